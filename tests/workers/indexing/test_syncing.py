"""A source that is due is read from a real server, and its documents become files."""

import pytest
from django.utils import timezone

from tests.workers.connectors.conftest import served  # noqa: F401 - a fixture
from web.accounts.models import User
from web.builder import sources
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source, SourceCheck
from web.builder.services import create_gpt
from web.runs.fair_queue import SLOTS
from workers import slots, tasks
from workers.connectors import web
from workers.egress import EgressConfig
from workers.indexing import syncing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(web, "_PAUSE_S", 0.0)


def names() -> list[str]:
    return sorted(KnowledgeFile.objects.filter(removed=None).values_list("name", flat=True))


def check_all(egress: EgressConfig) -> None:
    while syncing.check_next(egress):
        pass


def test_a_page_becomes_a_file_and_is_read_once(gpt, served):  # noqa: F811
    served.put("/fees.html", "<p>12 euros</p>")
    egress = EgressConfig(allow=(f"127.0.0.1:{served.port}",))
    source = sources.save(
        Source(gpt=gpt, kind="page"), {"url": f"{served.url}/fees.html"}, None, 24, True, by=gpt.owner
    )
    check_all(egress)
    assert names() == [f"127.0.0.1 {served.port} fees.html"]
    sources.check_now(source)
    check_all(egress)
    assert [check.n_same for check in SourceCheck.objects.all()] == [1, 0]
    del served.pages["/fees.html"]
    sources.check_now(source)
    check_all(egress)
    assert "has nothing at this address" in SourceCheck.objects.first().error
    assert len(names()) == 1


def test_an_address_that_is_not_public_is_refused(gpt, served):  # noqa: F811
    sources.save(Source(gpt=gpt, kind="page"), {"url": f"{served.url}/x"}, None, 24, True, by=gpt.owner)
    check_all(EgressConfig())
    assert "isn't" in SourceCheck.objects.get().error
    assert served.asked == []


def test_one_that_breaks_does_not_stop_the_next(gpt, served, monkeypatch):  # noqa: F811
    served.put("/a", "<p>A</p>")
    sources.save(Source(gpt=gpt, kind="feed"), {"url": f"{served.url}/a"}, None, 24, True, by=gpt.owner)
    sources.save(Source(gpt=gpt, kind="page"), {"url": f"{served.url}/a"}, None, 24, True, by=gpt.owner)
    monkeypatch.setattr("workers.connectors.feed.feed", lambda *_: 1 / 0)
    check_all(EgressConfig(allow=(f"127.0.0.1:{served.port}",)))
    errors = {check.source.kind: check.error for check in SourceCheck.objects.select_related("source")}
    assert errors == {"feed": syncing.UNEXPECTED, "page": ""}


def due(gpt: Gpt, n: int) -> None:
    for number in range(n):
        settings = {"kind": "page", "url": f"https://example.org/{number}"}
        Source.objects.create(gpt=gpt, kind="page", settings=settings, next_at=timezone.now())


def test_sources_that_hang_take_one_slot_of_their_person_and_no_thread_for_tools(gpt, bob, monkeypatch):
    """A look is where the next message comes: the thirty sources of one person leave the others their turn."""
    due(gpt, 30)
    begun: list[User] = []

    def look(source: Source, egress: EgressConfig) -> None:
        begun.append(source.gpt.owner)
        sources.pause(source)  # which frees the claim, while the thread still waits for the server
        if len(begun) == 1:
            tasks.check_sources("")
            assert begun == [gpt.owner]
            due(create_gpt(bob, {"name": "Garden"}), 2)
            tasks.check_sources("")
            assert begun == [gpt.owner, bob, bob]
            assert slots._free["tools"]._value == SLOTS["tools"]

    monkeypatch.setattr(syncing, "check", look)
    tasks.check_sources("")
    assert begun == [gpt.owner, bob, bob] + [gpt.owner] * 29


@pytest.mark.parametrize("seconds_and_bytes", [(-1.0, 10**9), (1e9, 20)])
def test_a_look_ends_once_it_took_too_long_or_too_much(gpt, served, monkeypatch, seconds_and_bytes):  # noqa: F811
    for name in "abc":
        served.put(f"/{name}", f"<p>{name * 20}</p>")
    served.put("/", "<a href=a>A</a><a href=b>B</a><a href=c>C</a>")
    for name, value in zip(("MOST_S", "MOST_BYTES"), seconds_and_bytes, strict=True):
        monkeypatch.setattr(syncing, name, value)
    sources.save(Source(gpt=gpt, kind="site"), {"url": f"{served.url}/"}, None, 24, True, by=gpt.owner)
    check_all(EgressConfig(allow=(f"127.0.0.1:{served.port}",)))
    assert "was read by then is kept" in SourceCheck.objects.get().error
    assert len(served.asked) < 4
