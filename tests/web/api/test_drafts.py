"""What else a creator does over `/api`: publish when ready, restore a replaced draft, and choose a face."""

from base64 import b64encode
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.web.api.conftest import bearer, key_of
from web import rpc
from web.builder.files import add_file
from web.builder.models_files import KnowledgeFile
from web.builder.services import publish_if_awaited

JSON, PROBLEM = "application/json", "application/problem+json"
URL = "/api/gpts/pump-doctor"


@pytest.fixture
def alices(alice) -> Client:
    return bearer(key_of(alice))


@pytest.fixture
def bobs(bob) -> Client:
    return bearer(key_of(bob))


def png() -> bytes:
    """A picture."""
    data = BytesIO()
    Image.new("RGB", (640, 400), "teal").save(data, "PNG")
    return data.getvalue()


def send(client: Client, path: str, body: dict | None = None):
    """The answer to the POST."""
    return client.post(URL + path, body or {}, content_type=JSON)


def test_a_draft_is_published_once_its_files_are_ready_unless_that_is_cancelled(alices, bobs, gpt):
    add_file(gpt, "notes.txt", [b"The seal is ZP-771."])
    alices.patch(URL, {"description": "Finds the fault."}, content_type=JSON)
    waiting = send(alices, "/publish-when-ready", {"sharing": "link"})
    assert waiting.status_code == 200
    assert {name: waiting.json()[name] for name in ("publish_when_ready", "published", "sharing")} == {
        "publish_when_ready": True,
        "published": 1,
        "sharing": "link",
    }
    assert (send(bobs, "/publish-when-ready").status_code, bobs.delete(f"{URL}/publish-when-ready").status_code) == (
        404,
        404,
    )
    assert alices.delete(f"{URL}/publish-when-ready").status_code == 204
    assert alices.get(URL).json()["publish_when_ready"] is False
    KnowledgeFile.objects.update(status="ready", segment="s")
    assert publish_if_awaited(gpt) is None
    assert send(alices, "/publish-when-ready").json()["published"] == 2

    KnowledgeFile.objects.update(status="failed")
    refused = send(alices, "/publish-when-ready", {"sharing": "me"})
    assert (refused.status_code, refused.headers["Content-Type"], refused.json()["field"]) == (422, PROBLEM, "files")
    after = alices.get(URL).json()
    assert (after["sharing"], after["publish_when_ready"], after["published"]) == ("link", False, 2)
    assert send(alices, "/publish-when-ready", {"sharing": "all"}).status_code == 422


def test_what_the_store_demands_is_demanded_before_waiting(alices, gpt):
    refused = send(alices, "/publish-when-ready", {"sharing": "store"})
    assert (refused.status_code, refused.json()["field"]) == (422, "description")
    assert alices.get(URL).json()["publish_when_ready"] is False


def test_a_replaced_draft_is_listed_and_restored(alices, bobs, gpt):
    alices.patch(URL, {"instructions": "Unpublished.", "name": "Pump Surgeon"}, content_type=JSON)
    assert alices.get(f"{URL}/drafts").json()["items"] == []
    told = alices.get(f"{URL}/versions/1/changes").json()
    assert [each["label"] for each in told["changes"]] == ["Name", "Instructions"]
    assert ["gone", "Unpublished."] in told["changes"][1]["pieces"]
    assert bobs.get(f"{URL}/versions/1/changes").status_code == 404
    assert send(alices, "/versions/1/restore").json()["instructions"] == "Help with pumps."
    assert alices.get(f"{URL}/versions/1/changes").json() == {"changes": [], "turned_off": []}
    [draft] = alices.get(f"{URL}/drafts").json()["items"]
    assert draft["name"] == "Pump Surgeon"
    restore = f"/drafts/{draft['id']}/restore"
    assert (bobs.get(f"{URL}/drafts").status_code, send(bobs, restore).status_code) == (404, 404)
    assert send(alices, restore).json()["instructions"] == "Unpublished."
    gone = send(alices, f"/drafts/{gpt.published_id}/restore")  # a published version has its own route
    assert (gone.status_code, gone.headers["Content-Type"]) == (404, PROBLEM)


def test_a_picture_is_uploaded_seen_by_those_who_may_chat_and_removed(alices, bobs, gpt, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    assert bobs.get(URL).json()["picture"] is None
    assert bobs.get(f"{URL}/picture").status_code == 404
    set_to = alices.post(f"{URL}/picture", {"file": SimpleUploadedFile("face.png", png())})
    assert set_to.json()["picture"] == bobs.get(URL).json()["picture"] == f"{settings.SITE_URL}{URL}/picture"
    seen = bobs.get(f"{URL}/picture")
    assert seen.headers["Content-Type"] == "image/webp"
    with Image.open(BytesIO(seen.getvalue())) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))

    refused = alices.post(f"{URL}/picture", {"file": SimpleUploadedFile("face.png", b"no picture")})
    assert (refused.status_code, refused.headers["Content-Type"]) == (422, PROBLEM)
    assert alices.post(f"{URL}/picture").json()["field"] == "file"
    assert bobs.post(f"{URL}/picture", {"file": SimpleUploadedFile("face.png", png())}).status_code == 404
    assert bobs.delete(f"{URL}/picture").status_code == 404
    alices.patch(URL, {"sharing": "me"}, content_type=JSON)
    assert (bobs.get(f"{URL}/picture").status_code, alices.get(f"{URL}/picture").status_code) == (404, 200)
    assert alices.delete(f"{URL}/picture").status_code == 204
    assert alices.get(URL).json()["picture"] is None


def test_a_picture_is_generated_by_a_worker_and_its_reasons_are_passed_on(
    alices, bobs, gpt, settings, tmp_path, monkeypatch
):
    settings.MEDIA_ROOT = tmp_path
    answers = [{"picture": b64encode(png()).decode()}, {"refused": "Busy."}, rpc.NoResult(rpc.TOO_LATE)]
    asked = []

    def call(_task, _gpt, prompt, **_):
        asked.append(prompt)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(rpc, "call", call)
    assert send(bobs, "/picture/generate").status_code == 404
    assert send(alices, "/picture/generate", {"prompt": "x" * 1_001}).status_code == 422
    assert asked == []
    made = send(alices, "/picture/generate", {"prompt": "a pump"}).json()["picture"]
    assert made
    refused, late = send(alices, "/picture/generate"), send(alices, "/picture/generate")
    assert (refused.status_code, refused.json()["detail"]) == (422, "Busy.")
    assert (late.status_code, late.json()["code"]) == (503, "workers_away")
    assert asked[0] == "a pump"
    assert alices.get(URL).json()["picture"] == made


def test_an_icon_is_chosen(alices, bobs, gpt):
    assert alices.patch(URL, {"face": "no-such-icon"}, content_type=JSON).json()["field"] == "face"
    icon = "hall"
    assert alices.patch(URL, {"face": icon}, content_type=JSON).json()["face"] == icon
    assert bobs.patch(URL, {"face": icon}, content_type=JSON).status_code == 404
    assert alices.patch(URL, {"face": ""}, content_type=JSON).json()["face"] == ""
