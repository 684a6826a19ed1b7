"""Pictures: drawn anew from their pixels, shown only to those who may see the GPT; faces for all others."""

from io import BytesIO
from pathlib import Path
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from web import confined
from web.builder.categories import DEFAULTS
from web.builder.faces import CATEGORY_MARKS, MARKS, N_TINTS, mark_key, tint
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.pictures import store_picture
from web.builder.services import delete_gpt, set_sharing
from web.builder.templatetags.faces import face
from web.confined import Unreadable
from web.rpc import AWAY, NoResult
from web.runs.services import start_conversation

from .conftest import JSON

URL = "/gpts/pump-doctor/picture"


def photo(
    kind: str = "PNG", size: tuple[int, int] = (640, 400), tail: bytes = b"", mode: str = "RGB", **save
) -> SimpleUploadedFile:
    """An uploaded picture with `tail` after its end."""
    data = BytesIO()
    Image.new(mode, size, "teal" if mode == "RGB" else 0).save(data, kind, **save)
    return SimpleUploadedFile(f"photo.{kind.lower()}", data.getvalue() + tail)


def put(client, picture: SimpleUploadedFile):
    """The answer to setting the picture."""
    return client.post(URL, {"picture": picture}, headers=JSON)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_becomes_a_square_without_metadata(as_alice, gpt, pictures, kind):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    save = {"exif": exif} if kind in {"JPEG", "WEBP"} else {}

    response = put(as_alice, photo(kind, tail=b"<script>alert(1)</script>", **save))

    [kept] = pictures.iterdir()
    assert f"/gpt-pictures/{gpt.id}/{kept.name}" in response.json()["parts"]["face"]
    assert b"script" not in kept.read_bytes()
    assert b"taken at home" not in kept.read_bytes()
    with Image.open(kept) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))


def test_what_is_no_picture_is_refused_in_words(as_alice, gpt):
    svg = SimpleUploadedFile("face.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")

    for upload in (svg, SimpleUploadedFile("a.png", b""), SimpleUploadedFile("b.png", photo().read()[:200])):
        response = put(as_alice, upload)
        assert response.status_code == 400
        assert "Couldn’t read" in response.json()["errors"]["picture"][0]
    gpt.refresh_from_db()
    assert not gpt.picture


def test_too_many_pixels_or_bytes_are_refused(as_alice, gpt, settings):
    assert "million pixels" in put(as_alice, photo(size=(8000, 8000))).json()["errors"]["picture"][0]
    settings.MAX_PICTURE_BYTES = 100
    assert "Too large" in put(as_alice, photo()).json()["errors"]["picture"][0]


def test_the_same_picture_is_kept_twice_at_once(alice, pictures, monkeypatch):
    first, again, write = photo(), [photo()], Path.write_bytes

    def interrupted(path, data) -> int:
        n = write(path, data)
        if again:
            store_picture(again.pop(), alice)
        return n

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    name = store_picture(first, alice)
    assert [each.name for each in pictures.iterdir()] == [name]


def test_without_a_worker_or_if_it_takes_too_long_the_reason_is_told(as_alice, gpt, monkeypatch):
    for trouble, words in ((NoResult(AWAY), "right now"), (Unreadable(), "Couldn’t read")):
        monkeypatch.setattr(confined, "read", mock.Mock(side_effect=trouble))
        assert words in put(as_alice, photo()).json()["errors"]["picture"][0]
    assert not Gpt.objects.get(id=gpt.id).picture


def test_the_picture_can_be_taken_away(as_alice, gpt):
    put(as_alice, photo())
    response = as_alice.post(URL, headers=JSON)

    assert "<svg" in response.json()["parts"]["face"]


def test_the_picture_is_served_for_long_and_never_sniffed(client, as_alice, gpt, bob):
    put(as_alice, photo())
    gpt.refresh_from_db()
    client.logout()

    response = client.get(f"/gpt-pictures/{gpt.id}/{gpt.picture.name}")

    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in response.headers["Cache-Control"]
    assert client.get(f"/gpt-pictures/{gpt.id}/other.webp").status_code == 404
    assert client.get(f"/gpt-pictures/{gpt.id}/..%2Fsecret.key").status_code == 404


def test_a_private_picture_is_its_owners_and_of_those_who_talked_to_the_gpt(client, as_alice, gpt, bob, charlie):
    put(as_alice, photo())
    gpt.refresh_from_db()
    url = f"/gpt-pictures/{gpt.id}/{gpt.picture.name}"
    start_conversation(bob, gpt).save()
    set_sharing(gpt, Sharing.ME, by=gpt.owner)

    assert client.get(url).status_code == 200
    client.force_login(bob)
    assert client.get(url).status_code == 200
    client.force_login(charlie)
    assert client.get(url).status_code == 404
    client.logout()
    assert client.get(url).status_code == 404
    delete_gpt(gpt)
    client.force_login(bob)
    assert client.get(url).status_code == 200


def test_every_gpt_has_a_face_and_the_same_one_everywhere():
    gpts = [Gpt(name=f"Helper {n}", category=category) for n in range(40) for category in DEFAULTS]

    assert all(mark_key(gpt) in MARKS for gpt in gpts)
    assert {tint(gpt) for gpt in gpts} == set(range(N_TINTS))
    assert all(face(gpt) == face(Gpt(name=gpt.name, category=gpt.category)) for gpt in gpts)
    assert {key for keys in CATEGORY_MARKS.values() for key in keys} <= MARKS.keys()
    assert mark_key(Gpt(name="x", face="loaf")) == "loaf"
