"""Static files: an address for each release, kept by browsers for good, and compressed."""

import gzip
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.test import Client

from web import static_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.css").write_text("a {}")
    return tmp_path


def test_a_release_has_another_address_when_a_file_or_a_package_changed(folder):
    release = static_files.release_of(folder, ["Django"])
    assert release == static_files.release_of(folder, ["Django"])
    assert release != static_files.release_of(folder, ["Django", "whitenoise"])
    (folder / "a.css").write_text("b {}")
    assert release != static_files.release_of(folder, ["Django"])


def test_files_are_collected_once_with_compressed_copies_instead_of_an_older_release(settings, tmp_path):
    settings.STATIC_ROOT = root = tmp_path / "static" / "new"
    old = tmp_path / "static" / "old"
    old.mkdir(parents=True)
    static_files.collect()
    assert root == settings.STATIC_ROOT
    assert [path.name for path in root.parent.iterdir()] == ["new"]
    assert gzip.decompress((root / "site.js.gz").read_bytes()) == (root / "site.js").read_bytes()
    (root / "site.js").unlink()
    static_files.collect()
    assert not (root / "site.js").exists()


@pytest.mark.django_db
def test_a_browser_keeps_a_file_for_good_and_is_led_from_an_older_release_to_this_one(client: Client):
    assert "immutable" in client.get(static("site.js"))["Cache-Control"]
    for old in ("/static/site.js", "/static/0123456789ab/site.js"):
        assert client.get(old)["Location"] == static("site.js")
    for nothing in (static("nothing.js"), "/static/nothing.js", "/static/0123456789ab/../settings.py", "/static/%00"):
        assert client.get(nothing).status_code == 404


def test_a_phone_can_put_the_site_on_its_home_screen(client, db, settings):
    settings.SITE_NAME = "Library"
    assert '<link rel="manifest" href="/manifest.webmanifest">' in client.get("/account/login/").text
    shown = client.get("/manifest.webmanifest").json()
    assert (shown["name"], shown["start_url"]) == ("Library", "/")
    assert all(finders.find(icon["src"].rpartition("/")[2]) for icon in shown["icons"])
