"""A source that is due is read from a real server, and its documents become files."""

import pytest

from tests.workers.connectors.conftest import served  # noqa: F401 - a fixture
from web.builder import sources
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source, SourceCheck
from workers.connectors import web
from workers.egress import EgressConfig
from workers.indexing import syncing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(web, "_PAUSE_S", 0.0)


def names() -> list[str]:
    return sorted(KnowledgeFile.objects.filter(removed=None).values_list("name", flat=True))


def test_a_page_becomes_a_file_and_is_read_once(gpt, served):  # noqa: F811
    served.put("/fees.html", "<p>12 euros</p>")
    egress = EgressConfig(allow=(f"127.0.0.1:{served.port}",))
    source = sources.save(
        Source(gpt=gpt, kind="page"), {"url": f"{served.url}/fees.html"}, None, 24, True, by=gpt.owner
    )
    syncing.check_sources(egress)
    assert names() == [f"127.0.0.1 {served.port} fees.html"]
    sources.check_now(source)
    syncing.check_sources(egress)
    assert [check.n_same for check in SourceCheck.objects.all()] == [1, 0]
    del served.pages["/fees.html"]
    sources.check_now(source)
    syncing.check_sources(egress)
    assert "has nothing at this address" in SourceCheck.objects.first().error
    assert len(names()) == 1


def test_an_address_that_is_not_public_is_refused(gpt, served):  # noqa: F811
    sources.save(Source(gpt=gpt, kind="page"), {"url": f"{served.url}/x"}, None, 24, True, by=gpt.owner)
    syncing.check_sources(EgressConfig())
    assert "isn't" in SourceCheck.objects.get().error
    assert served.asked == []


def test_one_that_breaks_does_not_stop_the_next(gpt, served, monkeypatch):  # noqa: F811
    served.put("/a", "<p>A</p>")
    sources.save(Source(gpt=gpt, kind="feed"), {"url": f"{served.url}/a"}, None, 24, True, by=gpt.owner)
    sources.save(Source(gpt=gpt, kind="page"), {"url": f"{served.url}/a"}, None, 24, True, by=gpt.owner)
    monkeypatch.setattr("workers.connectors.feed.feed", lambda *_: 1 / 0)
    syncing.check_sources(EgressConfig(allow=(f"127.0.0.1:{served.port}",)))
    errors = {check.source.kind: check.error for check in SourceCheck.objects.select_related("source")}
    assert errors == {"feed": syncing.UNEXPECTED, "page": ""}
