"""The main pages have no English left in the other languages."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.test import Client
from django.utils import translation

from tests.publishing import publish
from web import catalogs
from web.accounts.models import User
from web.builder.models_access import Sharing
from web.builder.services import create_gpt
from workers.tools.make_image.run import NOT_SET_UP
from workers.tools.web_search.run import NO_SEARCH

pytestmark = pytest.mark.django_db
# English words that no translation uses; names, code and addresses have none of them.
ENGLISH = re.compile(r"(?i)\b(?:the|your|you|with|this|and|of|are|is|can|what|which|from|an|not|language)\b")
PAGES = ("/", "/?q=zzz", "/g/zorro/", "/g/zorro/chat", "/chats/", "/gpts/", "/collections/", "/account/me/")
PAGES += ("/account/keys/", "/account/usage/", "/account/profile/", "/account/logout/", "/projects/", "/import/")
PAGES += tuple(f"/gpts/zorro/{page}" for page in ("edit", "history", "compare?old=1", "knowledge/", "embed"))
PAGES += ("/gpts/zorro/sources/", "/gpts/zorro/sources/?kind=git", "/gpts/zorro/delete", "/gpts/new")
PAGES += ("/schedules/", "/schedules/new?gpt=zorro")
# The documentation itself is in English.
VISITED = ("/account/login/", "/account/signup/", "/nowhere/")
# Words that a language has too.
SAME = {"fr": {"an"}, "es": set(), "de": {"an", "is"}, "zh-hans": set()}


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """Requests leave their language behind in the test's thread."""
    yield
    translation.deactivate()


def shown(html: str) -> str:
    """What a page says: its texts, and what screen readers and empty fields say."""
    html = re.sub(r"(?s)<(script|style|pre|code|svg|template)\b.*?</\1>", " ", html)
    named = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', html)
    return unescape(" | ".join([re.sub(r"(?s)<[^>]*>", " | ", html), *named]))


def test_numbers_in_fields_are_written_as_browsers_read_them(client: Client, alice: User) -> None:
    create_gpt(alice, {"name": "Zorro", "temperature": 0.7})
    client.force_login(alice)
    assert b'step="0.1" value="0.7"' in client.get("/gpts/zorro/edit", headers={"Accept-Language": "de"}).content


@pytest.mark.parametrize("language", catalogs.translated())
def test_no_english_is_left(client: Client, alice: User, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"web_browsing": NO_SEARCH, "image_generation": NOT_SET_UP}
    monkeypatch.setattr("web.chat.templatetags.chat.missing_capabilities", lambda: missing)
    gpt = create_gpt(alice, {"name": "Zorro", "description": "Zorro.", "instructions": "Zorro."})
    publish(gpt, Sharing.STORE)
    client.force_login(alice)
    pages = [(client, path) for path in PAGES] + [(Client(), path) for path in VISITED]
    for browser, path in pages:
        text = shown(browser.get(path, headers={"Accept-Language": language}).content.decode())
        left = [word for word in ENGLISH.findall(text) if word.lower() not in SAME[language]]
        assert (path, left) == (path, []), re.findall(r"[^|]*\b(?:" + "|".join(set(left)) + r")\b[^|]*", text)[:5]
