"""`/v1/images`, by the official client, with the worker's tool and a stand-in images endpoint."""

import base64
import io

import openai
import pytest
from PIL import Image

from tests.web.api.conftest import bearer, key_of
from tests.web.api.in_process import openai_client, workers  # noqa: F401 (a fixture)
from tests.workers.tools.make_image.conftest import endpoint, png  # noqa: F401 (a fixture)
from web.accounts import quotas
from web.runs.models import ConversationFile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bobs(bob, workers, endpoint, settings) -> openai.OpenAI:  # noqa: F811
    settings.IMAGE_URL, settings.IMAGE_MODEL, settings.IMAGE_GUIDANCE = endpoint.url, "painter-1", None
    return openai_client(bob)


def size_of(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "PNG"
        return image.size


def drawn_today(person) -> int:
    return quotas.used_today(person.pk).get("pictures", 0)


def test_pictures_come_as_base64_or_at_addresses_for_their_owner(bobs, bob, charlie, workers, endpoint, settings):  # noqa: F811
    made = bobs.images.generate(
        prompt="Ein Fuchs im Schnee 🦊", n=2, size="1024x768", model="painter-1", quality="high"
    )
    assert [size_of(base64.b64decode(each.b64_json)) for each in made.data] == [(64, 64)] * 2
    assert endpoint.bodies()[0] == {
        "prompt": "Ein Fuchs im Schnee 🦊", "size": "1024x768", "model": "painter-1", "n": 1,
    }  # fmt: skip
    assert drawn_today(bob) == 2
    assert {queue for _, queue, *_ in workers} == {"tools"}
    assert not ConversationFile.objects.exists()

    raw = bobs.images.with_raw_response.generate(prompt="A fox", response_format="url", quality="high", user="u1")
    assert raw.headers["x-ignored-parameters"] == "quality, user"
    [linked] = raw.parse().data
    path = linked.url.removeprefix(settings.SITE_URL)
    assert size_of(bearer(key_of(bob)).get(path).getvalue()) == (64, 64)
    assert bearer(key_of(charlie)).get(path).status_code == 404
    assert ConversationFile.objects.get().untrusted  # as whatever is attached


def test_an_edit_starts_from_the_picture_that_was_sent(bobs, endpoint):  # noqa: F811
    for picture in (("red.png", png((90, 60))), [("red.png", png((90, 60)))]):
        made = bobs.images.edit(image=picture, prompt="Make it blue.", size="auto", n=1)
        assert size_of(base64.b64decode(made.data[0].b64_json)) == (64, 64)
    path, _, body = endpoint.requests[-1]
    assert path.endswith("/images/edits")
    assert b"Make it blue." in body
    assert b"\x89PNG" in body


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"prompt": ""}, "prompt", "invalid"),
        ({"prompt": "  "}, "prompt", "invalid_value"),
        ({"prompt": "a" * 4_001}, "prompt", "invalid"),
        ({"prompt": "a\x00"}, "prompt", "invalid"),
        ({"prompt": "a", "n": 5}, "n", "invalid"),
        ({"prompt": "a", "size": "1x1"}, "size", "invalid_value"),
        ({"prompt": "a", "model": "dall-e-3"}, "model", "model_not_found"),
        ({"prompt": "a", "background": "transparent"}, "background", "unsupported_parameter"),
        ({"prompt": "a", "output_format": "webp"}, "output_format", "unsupported_parameter"),
    ],
)
def test_what_cannot_be_drawn_as_asked_is_refused(bobs, bob, endpoint, wrong, param, code):  # noqa: F811
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as refused:
        bobs.images.generate(**wrong)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert (endpoint.requests, drawn_today(bob)) == ([], 0)


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"image": b"no picture"}, "image", "invalid_value"),
        ({"image": b"\x89PNG\r\n\x1a\nbroken"}, "image", "invalid_value"),
        ({"image": b""}, "image", "invalid_value"),
        ({"image": [png(), png()]}, "image", "invalid_value"),
        ({"image": png(), "mask": png()}, "mask", "unsupported_parameter"),
        ({"image": png(), "background": "transparent"}, "background", "unsupported_parameter"),
        ({"image": png(), "stream": True}, "stream", "unsupported_parameter"),
        ({"image": png((8_000, 8_000))}, "image", "invalid_value"),
    ],
)
def test_a_picture_that_cannot_be_edited_is_refused(bobs, bob, endpoint, wrong, param, code):  # noqa: F811
    with pytest.raises(openai.BadRequestError) as refused:
        bobs.images.edit(prompt="Make it blue.", **wrong)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert (endpoint.requests, drawn_today(bob)) == ([], 0)


def test_what_the_service_refuses_or_fails_at_costs_nothing(bobs, bob, endpoint):  # noqa: F811
    endpoint.answers = [(400, {"error": {"code": "content_policy_violation", "message": "no"}})]
    with pytest.raises(openai.BadRequestError, match="content rules"):
        bobs.images.generate(prompt="a")
    endpoint.answers = [(500, {})]
    with pytest.raises(openai.InternalServerError) as failed:
        bobs.images.generate(prompt="a")
    assert (failed.value.status_code, failed.value.code) == (503, "image_service_failed")
    endpoint.answers = [(404, {})]
    with pytest.raises(openai.BadRequestError, match="start from an earlier picture"):
        bobs.images.edit(image=png(), prompt="a")
    assert drawn_today(bob) == 0


def test_over_the_quota_and_without_an_image_model_nothing_is_drawn(bobs, bob, endpoint, settings):  # noqa: F811
    quotas.set_limit("pictures", 1, bob)
    with pytest.raises(openai.RateLimitError) as refused:
        bobs.images.generate(prompt="a", n=2)
    assert refused.value.code == "insufficient_quota"
    assert bobs.models.retrieve("painter-1").id == "painter-1"
    settings.IMAGE_URL = settings.IMAGE_MODEL = ""
    for ask in (
        lambda: bobs.images.generate(prompt="a"),
        lambda: bobs.images.edit(prompt="a", image=png()),
        lambda: bobs.models.retrieve("painter-1"),
    ):
        with pytest.raises(openai.NotFoundError):
            ask()
    assert endpoint.requests == []
