"""A picture for a GPT that a worker draws: called for over RPC, kept like an upload."""

from base64 import b64encode

import pytest
from PIL import Image

from web import rpc
from workers.readers.pictures import as_square

from .conftest import JSON

URL = "/gpts/pump-doctor/picture/draw"


@pytest.fixture
def asked(monkeypatch) -> list:
    """What workers were asked; they answer with `asked.answer`, or raise it."""

    class Asked(list):
        answer: object = None

    calls = Asked()

    def ask(task, *args, **options):
        calls.append((task, args, options["queue"]))
        if isinstance(calls.answer, Exception):
            raise calls.answer
        return calls.answer

    monkeypatch.setattr(rpc, "call", ask)
    calls.answer = {"picture": b64encode(as_square(Image.new("RGB", (512, 512), "teal"))).decode()}
    return calls


def test_a_drawn_picture_becomes_the_face_of_the_gpt(as_alice, gpt, pictures, asked):
    response = as_alice.post(URL, {"prompt": "a pump with a stethoscope"}, headers=JSON)

    [kept] = pictures.iterdir()
    assert f"/gpt-pictures/{gpt.id}/{kept.name}" in response.json()["parts"]["face"]
    assert asked == [("workers.tasks.make_picture", (str(gpt.id), "a pump with a stethoscope"), "model")]
    with Image.open(kept) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))


def test_without_words_it_is_drawn_from_what_the_gpt_is_and_an_endpoint_is_asked_by_the_light_workers(
    as_alice, gpt, asked, settings
):
    settings.IMAGE_URL = "http://127.0.0.1:8080/v1"
    response = as_alice.post(URL)
    assert response.status_code == 302
    [(_, (_, prompt), queue)] = asked
    assert "Pump Doctor" in prompt
    assert queue == "tools"


@pytest.mark.parametrize(
    "answer",
    [
        {"refused": "The image service is busy; try again in a minute."},
        rpc.NoResult(rpc.TOO_LATE),
    ],
)
def test_when_nothing_can_be_drawn_the_reason_is_told_and_the_face_stays(as_alice, gpt, asked, answer):
    asked.answer = answer
    response = as_alice.post(URL, {"prompt": "x"}, headers=JSON)
    assert response.status_code == 400
    assert response.json()["errors"]["picture"][0].endswith(".")
    gpt.refresh_from_db()
    assert not gpt.picture


def test_too_many_words_are_refused_without_asking(as_alice, gpt, asked):
    assert as_alice.post(URL, {"prompt": "x" * 1001}, headers=JSON).status_code == 400
    assert not asked


def test_only_the_owner_may_have_it_drawn(client, gpt, bob, asked):
    assert client.post(URL).status_code == 302  # to the sign-in page
    client.force_login(bob)
    assert client.post(URL).status_code == 404
    assert client.get(URL).status_code == 405
    assert not asked
