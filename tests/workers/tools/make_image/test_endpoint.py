"""Pictures from an OpenAI-compatible endpoint: what it is asked, and each way in which it can fail."""

import base64
import threading
from io import BytesIO

import pytest
from PIL import Image

from workers.tools import Tool, ToolError

from .conftest import Endpoint, Kept, png, tool_with


@pytest.fixture
def tool(endpoint: Endpoint) -> Tool:
    """make_image by the stand-in endpoint."""
    return tool_with(url=endpoint.url, model="painter-1", key="key-of-the-operator")


def b64(data: bytes) -> dict:
    return {"data": [{"b64_json": base64.b64encode(data).decode()}]}


def test_a_picture_is_made_and_kept_without_its_metadata(tool, endpoint, kept: Kept):
    endpoint.answers = [(200, b64(png((768, 512), Comment="made by somebody")))]

    output = tool.run({"prompt": "a red *fox*", "size": "1024x768"}, kept.context())

    [(name, data)] = kept.files.items()
    assert name == "a-red-fox.png"
    assert b"somebody" not in data
    with Image.open(BytesIO(data)) as image:
        assert (image.format, image.size, image.info) == ("PNG", (768, 512), {})
    assert output.files[0].name == name
    assert name in output.text
    assert "768 by 512 pixels" in output.text
    assert output.shown == r"a red \*fox\* (768 × 512)"
    assert not output.untrusted
    path, headers, _ = endpoint.requests[0]
    assert path == "/v1/images/generations"
    assert headers["Authorization"] == "Bearer key-of-the-operator"
    assert endpoint.bodies() == [{"prompt": "a red *fox*", "size": "1024x768", "model": "painter-1", "n": 1}]


def test_several_pictures_get_names_of_their_own_and_progress_is_told(tool, kept: Kept):
    output = tool.run({"prompt": "a red fox", "n": 3}, kept.context())
    tool.run({"prompt": "a red fox"}, kept.context())

    assert list(kept.files) == ["a-red-fox.png", "a-red-fox-2.png", "a-red-fox-3.png", "a-red-fox-4.png"]
    assert len(output.files) == 3
    assert kept.progress[:3] == [f"Drawing picture {number} of 3" for number in (1, 2, 3)]


def test_a_variation_sends_the_earlier_picture(tool, endpoint, kept: Kept):
    kept.keep("fox.png", "image/png", png((30, 40)))

    tool.run({"prompt": "with a hat", "variation_of": "fox.png"}, kept.context())

    path, headers, body = endpoint.requests[0]
    assert path == "/v1/images/edits"
    assert headers["Content-Type"].startswith("multipart/form-data")
    assert b"\x89PNG" in body
    assert b"with a hat" in body
    assert b"768x1024" in body  # the size whose shape is most like the source's
    with pytest.raises(ToolError, match=r"no picture named “dog\.png”"):
        tool.run({"prompt": "with a hat", "variation_of": "dog.png"}, kept.context())


def test_an_address_at_the_endpoint_itself_is_fetched_though_it_is_private(tool, endpoint, kept: Kept):
    endpoint.pictures["/files/1.png"] = png()
    for address in ("/files/1.png", f"{endpoint.url.removesuffix('/v1')}/files/1.png"):
        endpoint.answers = [(200, {"data": [{"url": address}]})]
        assert tool.run({"prompt": "fox"}, kept.context()).files


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/x.png", "http://169.254.169.254/latest", "file:///etc/passwd"]
)
def test_a_private_address_elsewhere_is_not_fetched(tool, endpoint, kept: Kept, address):
    endpoint.answers = [(200, {"data": [{"url": address}]})]
    with pytest.raises(ToolError, match="Couldn't fetch"):
        tool.run({"prompt": "fox"}, kept.context())
    assert not kept.files


def test_an_address_elsewhere_goes_through_the_guarded_client_without_the_key(
    tool, endpoint, kept: Kept, monkeypatch
):
    from workers.egress import Response

    asked = []

    def fetch(url, config, **options):
        asked.append((url, options))
        return Response(200, {}, png(), url)

    monkeypatch.setattr("workers.tools.make_image.endpoint.fetch", fetch)
    endpoint.answers = [(200, {"data": [{"url": "https://cdn.example.org/1.png"}]})]

    assert tool.run({"prompt": "fox"}, kept.context()).files
    [(url, options)] = asked
    assert url == "https://cdn.example.org/1.png"
    assert "key-of-the-operator" not in repr(options)


OPENAI_REFUSAL = {"error": {"code": "content_policy_violation", "message": "Your request was rejected."}}
AZURE_REFUSAL = {"error": {"code": None, "message": "rejected as a result of our safety system."}}


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (400, OPENAI_REFUSAL, "refused this prompt under its content rules"),
        (400, AZURE_REFUSAL, "refused this prompt under its content rules"),
        (400, {"error": {"message": "size must be 1024x1024"}}, "rejected the request"),
        (401, {"error": {"message": "bad key"}}, "rejected this site's key"),
        (429, {}, "busy"),
        (500, b"<html>oops</html>", "failed. Try again later"),
        (503, b"", "failed. Try again later"),
        (200, b"<html>no json</html>", "isn't a picture"),
        (200, {"data": []}, "isn't a picture"),
        (200, {"data": [{"b64_json": "%%%"}]}, "isn't a picture"),
        (200, b64(b"GIF89a but not really"), "isn't a picture"),
        (200, b64(png()[:60]), "isn't a picture"),
        (200, b64(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "isn't a picture"),
        (200, b64(png((5000, 5000))), "million pixels"),
    ],
)
def test_what_goes_wrong_is_said_in_one_sentence(tool, endpoint, kept: Kept, status, body, sentence):
    endpoint.answers = [(status, body)]
    with pytest.raises(ToolError, match=sentence) as told:
        tool.run({"prompt": "fox"}, kept.context())
    assert "key-of-the-operator" not in str(told.value)
    assert not kept.files


def test_an_endpoint_that_cannot_vary_pictures_says_so(tool, endpoint, kept: Kept):
    kept.keep("fox.png", "image/png", png())
    endpoint.answers = [(404, {})]
    with pytest.raises(ToolError, match="can't start from an earlier picture"):
        tool.run({"prompt": "hat", "variation_of": "fox.png"}, kept.context())


def test_an_answer_without_end_is_cut_off(tool, endpoint, kept: Kept, monkeypatch):
    monkeypatch.setattr("workers.tools.make_image.endpoint.MAX_BYTES", 100_000)
    endpoint.answers = [(200, b" " * 2_000_000)]
    with pytest.raises(ToolError, match="too large"):
        tool.run({"prompt": "fox"}, kept.context())


def test_an_endpoint_that_is_down_is_told(kept: Kept):
    with pytest.raises(ToolError, match="Couldn't connect"):
        tool_with(url="http://127.0.0.1:9/v1").run({"prompt": "fox"}, kept.context())


def test_the_first_of_several_pictures_is_kept_when_the_second_fails(tool, endpoint, kept: Kept):
    endpoint.answers = [(200, b64(png())), (500, b"")]
    with pytest.raises(ToolError):
        tool.run({"prompt": "fox", "n": 2}, kept.context())
    assert list(kept.files) == ["fox.png"]


class Stopped(Exception):
    """The run was stopped."""


def test_a_stopped_run_breaks_the_connection_at_once(tool, endpoint, kept: Kept):
    endpoint.holds.clear()
    asked = threading.Event()

    def check() -> None:
        if endpoint.requests:
            asked.set()
            raise Stopped

    with pytest.raises(Stopped):
        tool.run({"prompt": "fox"}, kept.context(check=check))
    assert asked.is_set()
    assert endpoint.broken.wait(5)


def test_a_slow_endpoint_is_given_up_at_the_deadline(tool, endpoint, kept: Kept):
    endpoint.holds.clear()
    with pytest.raises(ToolError, match="took too long"):
        tool.run({"prompt": "fox"}, kept.context(deadline_s=0.6))
