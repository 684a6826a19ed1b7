"""The page of a GPT's knowledge: what the rows say, what a worker adds, and what a question finds."""

import pytest

from web.builder.files import add_file
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.engines import ONLY_DEFAULT, NamedEngine
from web.rpc import NoResult

from .conftest import JSON

URL = "/gpts/pump-doctor/knowledge/"
HIT = {
    "file_name": "<b>manual</b>.pdf", "page": 3, "unit": "page", "heading": "Seals", "text": "The kit is ZP-771.",
    "untrusted": True, "score": 1.0, "meaning": 0.62, "meaning_share": 0.62, "words": 7.5, "words_share": 1.0,
    "given": True, "why_not": "",
}  # fmt: skip
LEFT = {**HIT, "given": False, "why_not": "No room left"}
ANSWER = {"covered": True, "reason": "Meaning 0.62.", "passages": [HIT, LEFT], "n_more": 4}


@pytest.fixture
def file(gpt) -> KnowledgeFile:
    """A ready file."""
    add_file(gpt, "manual.pdf", [b"words"])
    notices = [{"message": "This page holds no text.", "page": 9}]
    KnowledgeFile.objects.update(
        status="ready", segment="s", n_pages=1212, n_chunks=3400, n_tokens=98000, language="de", notices=notices
    )
    return KnowledgeFile.objects.get()


@pytest.fixture
def asked(monkeypatch) -> list[tuple[str, ...]]:
    """What workers were asked, each answered with ANSWER."""
    calls: list[tuple[str, ...]] = []

    def ask(task: str, *args: str, queue: str, timeout_s: float) -> dict:
        calls.append((task, *args, queue))
        return ANSWER

    monkeypatch.setattr("web.builder.knowledge.rpc.call", ask)
    return calls


def test_without_files_it_shows_the_way_to_the_form(as_alice, gpt):
    assert b"No files yet" in as_alice.get(URL).content


def test_it_sums_up_and_tells_of_each_file(as_alice, file):
    page = as_alice.get(URL).content.decode()

    for words in ("1,212", "3,400", "98,000", "German", "keyword search only", "This page holds no text.", "Page 9"):
        assert words in page


@pytest.mark.parametrize(
    ("ability", "price", "words"),
    [
        (
            {"context_tokens": 400_000, "reads_tokens": 128_000},
            0.6,
            "Read whole with each message: about 98,000 tokens. That costs up to $0.0588.",
        ),
        (
            {"context_tokens": 131_072},
            None,
            "about 4,000 tokens each time. Files of up to 24,000 tokens together are read whole.",
        ),
        ({"context_tokens": 8_192, "writes_from_sources": False}, None, "about 900 tokens each time.</p>"),
        ({}, 0.6, None),
    ],
)
def test_it_says_what_the_files_add_to_each_message(as_alice, gpt, file, settings, ability, price, words):
    known = {"calls_tools": True, "writes_from_sources": True} | ability
    entry = {"url": "http://h", "model": "m", "context_tokens": known.pop("context_tokens", 0), "input_price": price}
    reads = known.pop("reads_tokens", None)
    settings.ENGINES = {**ONLY_DEFAULT, "cloud": NamedEngine(**entry, ability=known, reads_tokens=reads)}
    Gpt.objects.update(engine="cloud")

    pages = [as_alice.get(url).content.decode().replace("\n", "") for url in (URL, "/gpts/pump-doctor/edit")]
    parts = as_alice.get("/gpts/pump-doctor/files", headers=JSON).json()["parts"]

    assert all((words or "each message: about") in page for page in pages) == bool(words)
    assert ("tokens" in parts["reading"]) == bool(words)


def test_a_question_is_answered_by_a_worker_of_the_model_queue(as_alice, gpt, file, asked):
    html = as_alice.post(f"{URL}ask", {"question": " Which kit? "}, headers=JSON).json()["html"]

    assert asked == [("workers.tasks.ask_knowledge", str(gpt.id), "Which kit?", "model")]
    for words in ("Covered.", "Sent to the model", "No room left", "0.62", "7.5", "untrusted", "4 more passages"):
        assert words in html
    assert "<b>manual" not in html


def test_without_script_the_answer_is_a_page(as_alice, file, asked):
    page = as_alice.post(f"{URL}ask", {"question": "Which kit?"}).content.decode()

    assert "The kit is ZP-771." in page
    assert 'value="Which kit?"' in page


@pytest.mark.parametrize(
    ("question", "why"),
    [("", "Enter a question."), ("  ", "Enter a question."), ("q" * 1001, "Too long: 1,001 of 1,000 characters.")],
)
def test_a_question_that_is_none_is_refused(as_alice, file, asked, question, why):
    response = as_alice.post(f"{URL}ask", {"question": question}, headers=JSON)

    assert (response.status_code, asked) == (400, [])
    assert response.json()["error"] == why


def test_nothing_is_asked_before_a_file_is_ready(as_alice, gpt, asked):
    add_file(gpt, "a.txt", [b"words"])

    assert "No file is ready yet" in as_alice.post(f"{URL}ask", {"question": "Q?"}, headers=JSON).json()["error"]
    assert asked == []


def test_workers_that_are_away_are_said_to_be(as_alice, file, monkeypatch):
    def nobody(*_: str, **__: object) -> dict:
        raise NoResult("Not available right now.")

    monkeypatch.setattr("web.builder.knowledge.rpc.call", nobody)
    for response in (
        as_alice.get(f"{URL}health", headers=JSON),
        as_alice.post(f"{URL}ask", {"question": "Q?"}, headers=JSON),
    ):
        assert (response.status_code, response.json()["error"]) == (503, "Not available right now.")
    assert as_alice.get(URL).status_code == 200


def test_what_a_worker_found_is_drawn(as_alice, file, monkeypatch):
    place = {"file_name": "a.txt", "page": 2, "unit": "slide", "heading": "", "text": ""}
    found = {
        "n_searches": 12, "n_passages": 100, "n_used": 40, "n_unused": 60, "compared": True, "n_repeats": 1,
        "unused": [{**place, "text": "Never asked for."}],
        "repeats": [{"exact": True, "text": "Twice said.", "places": [place, {**place, "file_name": "b.txt"}]}],
    }  # fmt: skip
    monkeypatch.setattr("web.builder.views_knowledge.read_health", lambda gpt, person: found)
    html = as_alice.get(f"{URL}health", headers=JSON).json()["html"]

    for words in (
        "40 of 100 passages",
        "Not used yet: 60.",
        "Never asked for.",
        "Twice said.",
        "b.txt",
        "slide 2",
    ):
        assert words in html
