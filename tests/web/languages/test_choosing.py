"""Which language a page is in: the person's, the cookie's or the browser's, and which way it runs."""

from collections.abc import Iterator

import pytest
from django.templatetags.static import static
from django.test import Client
from django.utils import translation

from web.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """Requests leave their language behind in the test's thread."""
    yield
    translation.deactivate()


def test_the_browsers_language_comes_first(client: Client) -> None:
    page = client.get("/", headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})
    words = static("languages/fr.json")
    assert f'<html lang="fr" dir="ltr" data-words="{words}">' in page.content.decode()
    assert page["Content-Language"] == "fr"
    assert "Accept-Language" in page["Vary"]


def test_a_language_that_the_site_lacks_is_english(client: Client) -> None:
    assert b'<html lang="en" dir="ltr">' in client.get("/", headers={"Accept-Language": "fi"}).content


def test_chinese_has_its_tag_in_html(client: Client) -> None:
    assert b'<html lang="zh-Hans"' in client.get("/", headers={"Accept-Language": "zh-CN"}).content


def test_a_visitor_keeps_a_choice_in_a_cookie(client: Client) -> None:
    answer = client.post("/language", {"language": "de", "next": "/docs/"})
    assert answer.url == "/docs/"  # type: ignore[attr-defined]
    assert b'<html lang="de"' in client.get("/", headers={"Accept-Language": "fr"}).content


def test_a_person_keeps_a_choice_in_every_browser(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.post("/language", {"language": "es"})
    other = Client()
    other.force_login(alice)
    assert b'<html lang="es"' in other.get("/", headers={"Accept-Language": "fr"}).content


@pytest.mark.parametrize("language", ["", "xx", "../../etc"])
def test_a_language_that_is_none_changes_nothing(client: Client, alice: User, language: str) -> None:
    client.force_login(alice)
    answer = client.post("/language", {"language": language})
    alice.refresh_from_db()
    assert (alice.language, "django_language" in answer.cookies) == ("", False)


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_choosing_leads_to_no_other_site(client: Client, target: str) -> None:
    assert client.post("/language", {"language": "de", "next": target}).url == "/"  # type: ignore[attr-defined]


def test_the_api_changes_it_too(client: Client, alice: User) -> None:
    client.force_login(alice)
    change = client.patch("/api/account", {"language": "zh-hans"}, content_type="application/json")
    assert change.json()["language"] == "zh-hans"
    assert client.patch("/api/account", {"language": "xx"}, content_type="application/json").status_code == 422


@pytest.mark.parametrize("path", ["/api/gpts/none", "/v1/models", "/api/account"])
def test_programs_get_english(client: Client, path: str) -> None:
    assert client.get(path, headers={"Accept-Language": "de"})["Content-Language"] == "en"


def test_scripts_of_pages_get_the_language_of_the_page(client: Client, alice: User) -> None:
    client.force_login(alice)
    asked = {"Accept-Language": "de", "X-CSRFToken": "from the cookie"}
    refused = client.patch("/api/gpts/none", {}, content_type="application/json", headers=asked)
    assert refused["Content-Language"] == "de"


def test_arabic_would_run_from_right_to_left(client: Client, settings: object) -> None:
    settings.LANGUAGES = [("en", "English"), ("ar", "العربية")]  # type: ignore[attr-defined]
    translation.trans_real.get_languages.cache_clear()
    try:
        assert b'<html lang="ar" dir="rtl"' in client.get("/", headers={"Accept-Language": "ar"}).content
    finally:
        translation.trans_real.get_languages.cache_clear()
