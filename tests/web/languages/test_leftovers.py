"""The main pages have no English left in the other languages."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.test import Client
from django.utils import translation

from gpts.knowledge.documents import Citation, Passage, SentenceSupport
from gpts.runs.steps import (
    ApprovalRequest,
    Cancelled,
    Error,
    Finished,
    ModelReply,
    Retrieval,
    Step,
    ToolCall,
    ToolResult,
)
from tests.publishing import publish
from web import catalogs
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, update_gpt
from web.runs import log, memories, services, sharing
from web.runs.models_chats import Share
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
PAGES += ("/memory/?gpt=zorro", "/permissions/", "/g/zorro/report", "/g/zorro/reviews/")
PAGES += tuple(f"/gpts/zorro/{page}" for page in ("try", "people", "webhooks/", "questions/", "use/", "settings"))
PAGES += tuple(f"/account/{page}/" for page in ("notifications", "sessions", "close", "export", "decisions", "email"))
PAGES += ("/c/{chat}/", "/c/{chat}/share", "/c/{chat}/export.print", "/runs/{run}/", "/runs/{run}/tree")
PAGES += ("/runs/{run}/sources/0/",)
# The documentation itself is in English.
VISITED = ("/s/{share}/", "/account/login/", "/account/signup/", "/nowhere/")
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


SAID = (
    ("Zorro one.", "supported", ()),
    ("Zorro two.", "partly", ()),
    ("Zorro 3.", "calculated", ("1 + 2 = 3",)),
    ("Zorro four.", "conversation", ()),
    ("Zorro five.", "result", ()),
    ("Zorro six.", "unsupported", ()),
    ("Zorro seven.", "not_checked", ()),
)


def talked(alice: User, gpt: Gpt) -> dict[str, str]:
    """Alice's chat, with a step that failed, each mark, a limit, an error and a request; the ids of its pages."""
    chat = services.start_conversation(alice, gpt)
    text, support, at = " ".join(said for said, *_ in SAID), [], 0
    for said, level, formulas in SAID:
        support.append(SentenceSupport(answer_start=at, answer_end=at + len(said), level=level, formulas=formulas))
        at += len(said) + 1
    where = {"segment": "s", "chunk": 0, "file_id": "f", "file_name": "zorro.md", "start": 0, "end": 9}
    citations = [
        Citation(tag=n + 1, quote=said, answer_start=each.answer_start, answer_end=each.answer_end, page=2, **where)
        for n, (each, (said, *_)) in enumerate(zip(support[:2], SAID, strict=False))
    ]
    call = ToolCall(call_id="c", name="web_search", arguments={"query": "zorro"})
    ended = {"coverage": "covered", "finish": "length", "n_withheld": 1, "withheld": ("Zorro.",)}
    logs: tuple[tuple[Step, ...], ...] = (
        (
            ModelReply(text="", tool_calls=(call,), reasoning="Zorro.", reasoning_ms=2_000),
            ToolResult(call_id="c", name="web_search", text="Zorro.", ok=False),
            Retrieval(query="zorro", passages=(Passage(text="Zorro.", **where),), covered=True, n_files=2),
            Finished(text=text, citations=tuple(citations), support=tuple(support), **ended),
        ),
        (Error(message="Zorro."),),
        (Cancelled(text=""),),
        (ModelReply(text="", tool_calls=(call,)), ApprovalRequest(call_id="c", name="web_search", digest="d" * 64)),
    )
    shares = []
    for steps in logs:
        run = services.start_run(chat, "Zorro?")
        for step in steps:
            log.append(run.id, step)
        shares += [] if shares else [sharing.create(chat, Share.Audience.PUBLIC)]
    memories.add(alice, gpt, "Zorro.")
    return {"chat": str(chat.id), "run": str(shares[0].run_id), "share": shares[0].token}


def untranslated(language: str) -> set[str]:
    """What of the English texts no page in the language may hold: whole texts, and pieces of those with values."""
    with catalogs.po_path(language).open("rb") as file:
        catalog = [message for message in read_po(file) if message.id]
    texts = [
        [each for part in parts if part for each in _pieces(part)] for parts in zip(*map(_both, catalog), strict=True)
    ]
    return {each for each in texts[0] if sum(map(str.isalpha, each)) > 3} - set(texts[1])


def _both(message: Message) -> tuple[str, str]:
    """Its English texts, and its translations, as lines."""
    return tuple("\n\n".join([each] if isinstance(each, str) else each) for each in (message.id, message.string))


def _pieces(text: str) -> list[str]:
    found = re.split(r"\n\n|<[^>]*>|%\(\w+\)s|\{\w*\}|#", text)
    return [" ".join(unescape(each).split()).strip(" .,:;·()“”") for each in found]


@pytest.mark.parametrize("language", catalogs.translated())
def test_no_english_is_left(client: Client, alice: User, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"web_browsing": NO_SEARCH, "image_generation": NOT_SET_UP}
    monkeypatch.setattr("web.chat.templatetags.chat.missing_capabilities", lambda: missing)
    gpt = create_gpt(alice, {"name": "Zorro", "description": "Zorro.", "instructions": "Zorro."})
    publish(update_gpt(gpt, {"capabilities": ["memory", "web_browsing"]}, by=alice), Sharing.STORE)
    client.force_login(alice)
    ids, texts, seen = talked(alice, gpt), untranslated(language), dict[str, list[str]]()
    pages = [(client, path) for path in PAGES] + [(Client(), path) for path in VISITED]
    for browser, path in pages:
        answer = browser.get(path.format(**ids), headers={"Accept-Language": language}, follow=True)
        assert (path, answer.status_code) == (path, 404 if path == "/nowhere/" else 200)
        text = shown(answer.content.decode())
        same = sorted({each for part in text.split("|") for each in _pieces(part)} & texts)
        left = {word for word in ENGLISH.findall(text) if word.lower() not in SAME[language]}
        same += re.findall(r"[^|]*\b(?:" + "|".join(left) + r")\b[^|]*", text) if left else []
        if same:
            seen[path] = same
    assert seen == {}
