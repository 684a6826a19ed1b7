"""The same question to the same GPT at every door: same answer, citations and label for Bob, nothing for Charlie.

Workers' own loop answers, with a scripted model: from a file of the GPT, and after a delegation.
"""

import json
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from a2a.client.errors import AgentCardResolutionError
from bs4 import BeautifulSoup
from django.db import close_old_connections
from django.test import Client
from google.protobuf.json_format import MessageToDict
from mcp.shared.exceptions import MCPError

from gpts.knowledge.documents import Passage
from gpts.runs.steps import Retrieval
from tests.publishing import let
from tests.web.a2a.conftest import Caller, asking
from tests.web.api.conftest import key_of, live
from tests.web.mcp.conftest import LEGACY, MODERN, Program
from tests.workers import advancing
from tests.workers.made_services import made_services
from tests.workers.runs.test_loop import Embedder, Index
from tests.workers.trees import call, make_gpt
from web.accounts.models import User
from web.builder.access import open_link
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.runs.models import Run
from workers.runs.services import Services

__all__ = ["live"]

QUESTION: Final = "Which seal kit fits the Zephyr-9, and how much is the tax?"
SEAL: Final = "The seal kit of the Zephyr-9 is ZP-771."
TAX: Final = "The yearly tax on pumps is 12 euros."
ANSWER: Final = f"{SEAL} {TAX}"
SLUG: Final = "pump-doctor"
FILES: Final = {
    "manual.md": (SEAL + " Service the seal every 450 hours.", False),
    "taxes.md": ("The yearly tax on pumps is 12 euros, due in March.", True),
}


@dataclass(frozen=True)
class Seen:
    """What a door gave of an answer; a citation as its number, file, quote, cited text, and whether it is flagged."""

    answer: str
    citations: list[tuple[int, str, str, str, bool]]
    coverage: str
    untrusted: bool
    written_by: list[str]


class FileIndex(Index):
    """Finds the one passage of the file that a GPT has."""

    def search(self, refs: Any, query: str, budget_tokens: int, likely: str = "") -> Retrieval:
        text, flagged = FILES[refs[0].name]
        place = {"file_id": refs[0].file_id, "file_name": refs[0].name, "segment": "s", "chunk": 0}
        found = Passage(text=text, start=0, end=len(text), untrusted=flagged, **place)
        return Retrieval(query=query, passages=(found,), covered=True, n_files=1)


def model(messages: list[Any]) -> str:
    """Both search their files first; then the clerk says the tax, and the doctor has the clerk asked and answers."""
    n_results = sum(message.role == "tool" for message in messages)
    if not n_results:
        return call("search_files", "Seal kits and taxes").replace('"task"', '"query"')
    if messages[0].content.startswith("You are Tax Clerk"):
        return TAX
    return ANSWER if n_results > 1 else call("ask_tax_clerk", "How much is the tax?")


@contextmanager
def at_work(monkeypatch: Any, services: Services) -> Iterator[None]:
    """A thread advances the runs that are woken, as a worker does."""
    woken: queue.Queue[tuple[str, str] | None] = queue.Queue()
    monkeypatch.setattr("web.runs.wake.send_task", lambda name, row_id, queue: woken.put((row_id, queue)))

    def work() -> None:
        while wake := woken.get():
            advancing.advance(UUID(wake[0]), wake[1], lambda: services)
        close_old_connections()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    woken.put(None)
    thread.join(timeout=20)


@pytest.fixture
def workers(monkeypatch) -> Iterator[None]:
    with at_work(monkeypatch, made_services(model, FileIndex(Retrieval(query="")), Embedder())):
        yield


def give_file(gpt: Gpt, name: str) -> None:
    """Publish the GPT with this file."""
    version = gpt.published
    version.data |= {"knowledge": [{"file_id": "f" * 8, "name": name, "segment": "s"}], "only_from_knowledge": False}
    version.save()


@pytest.fixture
def doctor(live, workers, alice, bob) -> Gpt:
    """Alice's GPT with a manual and a delegate, shared by a link that Bob opened."""
    clerk = make_gpt(alice, "Tax Clerk")
    give_file(clerk, "taxes.md")
    made = make_gpt(alice, "Pump Doctor", clerk, sharing=Sharing.LINK)
    let(made, a2a=True)
    give_file(made, "manual.md")
    open_link(bob, made.link_secret)
    return made


@dataclass
class Person:
    """Somebody at the site, with a key and a signed-in browser."""

    url: str
    user: User
    streams: bool = False
    key: str = field(init=False)

    def __post_init__(self) -> None:
        self.key = key_of(self.user)

    def http(self, **headers: str) -> httpx.Client:
        """A program with the key."""
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        return httpx.Client(base_url=self.url, headers=sent, timeout=30)

    def browser(self) -> httpx.Client:
        """A browser in which they are signed in."""
        session = Client()
        session.force_login(self.user)
        client = httpx.Client(base_url=self.url, timeout=30, follow_redirects=True)
        client.cookies.set("sessionid", session.cookies["sessionid"].value)
        return client


def events(client: httpx.Client, method: str, path: str, **options: Any) -> list[dict[str, Any]]:
    """The data of the server-sent events that come back. Raises for an error status."""
    with client.stream(method, path, **options) as response:
        if response.is_error:
            response.read()
        response.raise_for_status()
        lines = [line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def posted(client: httpx.Client, path: str, body: Any) -> Any:
    """The JSON that comes back. Raises for an error status."""
    return client.post(path, json=body).raise_for_status().json()


def page(person: Person) -> Seen:
    """The chat: the answer as its fragment once it was streamed, or in the whole page; the label in its trace."""
    with person.browser() as browser:
        browser.get("/account/me/")
        headers = {"Accept": "application/json", "X-CSRFToken": browser.cookies["csrftoken"]}
        sent = browser.post(f"/g/{SLUG}/chat", data={"text": QUESTION}, headers=headers).raise_for_status().json()
        assert any(event.get("type") == "token" for event in events(browser, "GET", f"/runs/{sent['run']}/events"))
        path = f"/c/turn/{sent['run']}" if person.streams else sent["url"]
        shown = BeautifulSoup(browser.get(path).raise_for_status().text, "html.parser")
        trace = BeautifulSoup(browser.get(f"/runs/{sent['run']}/tree").text, "html.parser")
    label = trace.select_one(f"#run-{sent['run']} .tree-facts").get_text(" ")
    sources = {each["data-source"]: each for each in shown.select("details.source")}
    parts = re.split(r"\s*\[(\d+)\]\s*", _with_tags(shown.select_one("div.answer")))
    cited = [
        (int(tag), source.select_one("bdi").text, source.select_one("mark").text, text, "flagged" in source.text)
        for text, tag in zip(parts[::2], parts[1::2], strict=False)
        for source in [sources[tag]]
    ]
    coverage = "not_covered" if "Not covered" in shown.text else "covered" if cited else "no_knowledge"
    return Seen(shown.select_one("template").text, cited, coverage, *_named(re.search(r"Sources: (.*\S)", label)))


def _with_tags(answer: Any) -> str:
    for tag in answer.select("a.cite"):
        tag.replace_with(f"[{tag['data-tag']}]")
    return answer.get_text().replace("\xa0", " ").strip()


def _named(found: re.Match[str] | None) -> tuple[bool, list[str]]:
    return bool(found), found[1].split(" and ") if found else []


def _of_label(label: Any) -> tuple[bool, list[str]]:
    return label["untrusted"], label["written_by"]


def native(person: Person) -> Seen:
    """`/api`: a run, followed or polled."""
    with person.http() as client:
        run = posted(client, f"/api/gpts/{SLUG}/runs", {"text": QUESTION})
        seen = events(client, "GET", f"/api/runs/{run['id']}/events")
        state = client.get(f"/api/runs/{run['id']}").json()
    if person.streams:
        place = max((each["seq"], each["attempt"]) for each in seen if each.get("type") == "token")
        told = [each for each in seen if each.get("type") == "token" and (each["seq"], each["attempt"]) == place]
        assert "".join(each["text"] for each in told) == state["answer"]
    cited = [
        (each["tag"], each["file_name"], each["quote"], _range(state["answer"], each), each["untrusted"])
        for each in state["citations"]
    ]
    return Seen(state["answer"], cited, state["coverage"], *_of_label(state["label"]))


def _range(text: str, citation: Any, names: tuple[str, str] = ("answer_start", "answer_end")) -> str:
    return text[int(citation[names[0]]) : int(citation[names[1]])]


def of_extras(text: str, extras: Any) -> Seen:
    """An answer in one of the formats of `/v1`, by its extension field."""
    cited = [
        (each["index"], each["filename"], each["quote"], each["text"], each["untrusted"])
        for each in extras["citations"]
    ]
    for each in extras["citations"]:
        assert _range(text, each, ("start_index", "end_index")) == each["text"]
    return Seen(text, cited, extras["coverage"], *_of_label(extras["label"]))


def chat_completions(person: Person) -> Seen:
    body = {"model": SLUG, "messages": [{"role": "user", "content": QUESTION}], "stream": person.streams}
    with person.http() as client:
        if person.streams:
            chunks = events(client, "POST", "/v1/chat/completions", json=body)
            text = "".join(each["choices"][0]["delta"].get("content") or "" for each in chunks)
            return of_extras(text, chunks[-1]["guildhall"])
        whole = posted(client, "/v1/chat/completions", body)
    message = whole["choices"][0]["message"]
    n_urls = len([each for each in message["annotations"] if each["type"] == "url_citation"])
    assert n_urls == len(whole["guildhall"]["citations"])
    return of_extras(message["content"], whole["guildhall"])


def responses(person: Person) -> Seen:
    body = {"model": SLUG, "input": QUESTION, "stream": person.streams}
    with person.http() as client:
        if not person.streams:
            whole = posted(client, "/v1/responses", body)
        else:
            sent = events(client, "POST", "/v1/responses", json=body)
            whole = sent[-1]["response"]
            deltas = "".join(each["delta"] for each in sent if each["type"] == "response.output_text.delta")
            assert deltas == whole["output"][-1]["content"][0]["text"]
    answer = whole["output"][-1]["content"][0]
    assert len(answer["annotations"]) == len(whole["guildhall"]["citations"])
    return of_extras(answer["text"], whole["guildhall"])


def messages(person: Person) -> Seen:
    body = {"model": SLUG, "max_tokens": 500, "messages": [{"role": "user", "content": QUESTION}]}
    with person.http() as client:
        if person.streams:
            sent = events(client, "POST", "/v1/messages", json={**body, "stream": True})
            deltas = [each["delta"] for each in sent if each["type"] == "content_block_delta"]
            extras = next(each["guildhall"] for each in sent if each["type"] == "message_delta")
            cited = [each["citation"] for each in deltas if each["type"] == "citations_delta"]
            text = "".join(each["text"] for each in deltas if each["type"] == "text_delta")
        else:
            whole = posted(client, "/v1/messages", body)
            (block,) = whole["content"]
            text, cited, extras = block["text"], block["citations"], whole["guildhall"]
    assert [each["cited_text"] for each in cited] == [each["quote"] for each in extras["citations"]]
    return of_extras(text, extras)


def mcp(person: Person) -> Seen:
    program = Program(person.url, person.key, MODERN if person.streams else LEGACY)
    result = program.run(lambda client: client.call_tool(f"ask_{SLUG}", {"question": QUESTION}))
    given = result.structured_content
    assert result.content[0].text.startswith(given["answer"])
    cited = [
        (
            each["number"],
            each["file"],
            each["quote"],
            _range(given["answer"], each, ("start", "end")),
            each["untrusted"],
        )
        for each in given["citations"]
    ]
    return Seen(given["answer"], cited, given["coverage"], *_of_label(given["label"]))


def a2a(person: Person) -> Seen:
    program = Caller(person.url, person.key)
    program.streaming = person.streams
    sent = program.send(asking(QUESTION))
    updates = [each.artifact_update.artifact for each in sent if each.HasField("artifact_update")]
    (artifact,) = updates[-1:] if person.streams else sent[0].task.artifacts
    given, text = MessageToDict(artifact.metadata), artifact.parts[0].text
    cited = [
        (int(each["tag"]), each["file_name"], each["quote"], _range(text, each), each["untrusted"])
        for each in given["citations"]
    ]
    return Seen(text, cited, given["coverage"], *_of_label(given["label"]))


DOORS: Final = (page, native, chat_completions, responses, messages, mcp, a2a)
REFUSALS: Final = (httpx.HTTPStatusError, MCPError, AgentCardResolutionError)


def test_the_same_question_has_the_same_answer_citations_and_label_at_every_door(doctor, live, bob):
    expected = Seen(
        ANSWER,
        [(1, "manual.md", SEAL, SEAL, False), (2, "taxes.md", FILES["taxes.md"][0], TAX, True)],
        "covered",
        True,
        ["the file manual.md", "the file taxes.md"],
    )
    for streams in (False, True):
        seen = {door.__name__: door(Person(live, bob, streams)) for door in DOORS}
        assert seen == {door.__name__: expected for door in DOORS}
    assert Run.objects.filter(owner=bob, root=None).count() == 2 * len(DOORS)


def test_a_stranger_gets_nothing_at_any_door(doctor, live, bob, charlie):
    native(Person(live, bob))
    run = Run.objects.get(root=None)
    for streams in (False, True):
        for door in DOORS:
            with pytest.raises(REFUSALS) as refusal:
                door(Person(live, charlie, streams))
            response = getattr(refusal.value, "response", None)
            text = f"{refusal.value} {response.text if response else ''}"
            assert not any(word in text for word in ("Pump Doctor", "ZP-771", "Alice", "taxes")), door.__name__
    assert not Run.objects.exclude(owner=bob).exists()
    with Person(live, charlie).http() as client:
        assert SLUG not in client.get("/v1/models").text
        for path in (
            "/api/runs/{}",
            "/api/runs/{}/events",
            "/api/runs/{}/citations/0",
            "/runs/{}/tree",
            "/c/turn/{}",
        ):
            response = client.get(path.format(run.id))
            assert response.status_code in (302, 404), path
            assert "ZP-771" not in response.text
