"""Sources: what each look does to the files, what goes live, and what a killed worker leaves."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tests.publishing import publish
from web.builder import files, sources
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source, SourceCheck, SourceItem
from web.secrets import SecretLost

pytestmark = pytest.mark.django_db
SITE = {"url": "https://example.org/docs/"}


@pytest.fixture
def source(gpt) -> Source:
    publish(gpt, Sharing.ME)
    return sources.save(Source(gpt=gpt, kind="site"), SITE, None, 24, True, by=gpt.owner)


def look(source: Source, **documents: str | None) -> SourceCheck:
    """A look that finds these documents; None for one that cannot be read."""
    Source.objects.filter(id=source.id).update(next_at=timezone.now())
    claimed = sources.claim(source.gpt.owner_id)
    assert claimed == source
    check, known = sources.begin(claimed), sources.known(claimed)
    for key, text in documents.items():
        is_known = text is not None and known.get(key) == text
        content = None if text is None or is_known else text.encode()
        sources.found(check, key, f"{key}.html", text or "", content, "" if text is not None else "Gone wrong.")
    sources.finish(check, set(documents))
    return SourceCheck.objects.get(id=check.id)


def read_all(gpt: Gpt) -> None:
    """As if a worker had read every file."""
    for file in KnowledgeFile.objects.filter(gpt=gpt, removed=None).exclude(status="ready"):
        KnowledgeFile.objects.filter(id=file.id).update(status="ready", segment=f"s-{file.sha256[:8]}")
        file.refresh_from_db()
        files.file_became_ready(file)
    sources.publish_files(gpt)


def counts(check: SourceCheck) -> tuple[int, ...]:
    return (check.n_added, check.n_changed, check.n_removed, check.n_failed, check.n_same)


def live(gpt: Gpt) -> list[str]:
    gpt.refresh_from_db()
    return sorted(ref.name for ref in gpt.published.spec().knowledge)


def test_documents_come_change_and_go(source, gpt):
    assert counts(look(source, a="A", b="B")) == (2, 0, 0, 0, 0)
    read_all(gpt)
    assert live(gpt) == ["a.html", "b.html"]
    check = look(source, a="A", b="B2", c="C", d=None)
    assert counts(check) == (1, 1, 0, 1, 1)
    assert ["changed", "b.html"] in check.changes
    old = live(gpt)
    assert old == ["a.html", "b.html"], "the old files serve until the new ones are read"
    read_all(gpt)
    assert live(gpt) == ["a.html", "b.html", "c.html"]
    assert counts(look(source, a="A", b="B2", c="C")) == (0, 0, 0, 0, 3)
    assert counts(look(source, a="A")) == (0, 0, 2, 0, 1)
    assert live(gpt) == ["a.html"]
    assert gpt.versions.filter(number__isnull=False).count() == 5, (
        "two by hand, one for each look that changed something"
    )
    assert not SourceItem.objects.exclude(key="a").exists()


def test_what_cannot_be_read_keeps_its_last_file(source, gpt):
    look(source, a="A")
    read_all(gpt)
    assert counts(look(source, a=None)) == (0, 0, 0, 1, 0)
    assert live(gpt) == ["a.html"]
    assert SourceItem.objects.get().error == "Gone wrong."
    assert look(source, a="A").n_same == 1


def test_only_files_of_sources_go_live(source, gpt):
    Gpt.objects.filter(id=gpt.id).update(instructions="Not published yet.")
    files.add_file(gpt, "by-hand.md", [b"By hand"])
    look(source, a="A")
    read_all(gpt)
    spec = Gpt.objects.get(id=gpt.id).published.spec()
    assert [ref.name for ref in spec.knowledge] == ["a.html"]
    assert spec.instructions != "Not published yet."
    Gpt.objects.filter(id=gpt.id).update(publish_when_ready=False)
    publish(Gpt.objects.get(id=gpt.id))
    look(source, a="A2")
    read_all(gpt)
    assert live(gpt) == ["a.html", "by-hand.md"]
    assert Gpt.objects.get(id=gpt.id).published.spec() == Gpt.objects.get(id=gpt.id).draft_spec()


def test_a_source_that_does_not_publish_waits_for_the_creator(source, gpt):
    Source.objects.update(publishes=False)
    source.refresh_from_db()
    look(source, a="A")
    read_all(gpt)
    assert live(gpt) == []
    publish(Gpt.objects.get(id=gpt.id))
    assert live(gpt) == ["a.html"]


def test_the_same_text_twice_is_one_file_until_both_are_gone(source, gpt):
    look(source, a="Same", b="Same")
    assert KnowledgeFile.objects.filter(removed=None).count() == 1
    look(source, a="Same")
    assert KnowledgeFile.objects.filter(removed=None).count() == 1
    look(source, c="Other")
    assert [file.name for file in KnowledgeFile.objects.filter(removed=None)] == ["c.html"]


def test_files_of_sources_hold_up_nothing_and_count_for_nobody(source, gpt, settings):
    settings.MAX_FILES_PER_GPT = 1
    look(source, a="A", b="B")
    KnowledgeFile.objects.filter(name="a.html").update(status="failed", error="Broken.")
    files.add_file(gpt, "by-hand.md", [b"By hand"])
    with pytest.raises(ValidationError, match="up to 1 files"):
        files.add_file(gpt, "second.md", [b"Second"])
    KnowledgeFile.objects.filter(name="by-hand.md").update(status="ready", segment="s1")
    assert publish(Gpt.objects.get(id=gpt.id))


def test_a_worker_that_died_is_followed_by_one_that_goes_on(source, gpt):
    first = sources.claim(source.gpt.owner_id)
    check = sources.begin(first)
    sources.found(check, "a", "a.html", "1", b"A", "")
    assert sources.claim(source.gpt.owner_id) is None
    Source.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    second = sources.claim(source.gpt.owner_id)
    with pytest.raises(sources.Lost):
        sources.still_claimed(first)
    again = sources.begin(second)
    assert sources.known(second) == {"a": "1"}
    sources.found(again, "a", "a.html", "1", None, "")
    sources.finish(again, {"a"})
    assert KnowledgeFile.objects.filter(removed=None).count() == 1
    interrupted, ended = SourceCheck.objects.order_by("id")
    assert "interrupted" in interrupted.error
    assert ended.error == ""
    assert Source.objects.get().next_at > timezone.now() + timedelta(hours=23)


def test_a_source_that_fails_is_tried_later_and_later_then_pauses(source):
    waits = []
    for n in range(sources.MOST_FAILED):
        Source.objects.update(next_at=timezone.now())
        sources.failed(sources.begin(sources.claim(source.gpt.owner_id)), f"Broken {n}.")
        waits.append(Source.objects.get().next_at)
    assert waits[-1] is None
    gaps = [wait - timezone.now() for wait in waits[:-1]]
    assert timedelta(minutes=29) < gaps[0] < gaps[1] < gaps[2]
    sources.check_now(source)
    look(source, a="A")
    assert Source.objects.get().n_failed == 0


def test_pausing_or_removing_stops_the_worker(source, gpt):
    claimed = sources.claim(source.gpt.owner_id)
    sources.pause(source)
    with pytest.raises(sources.Lost):
        sources.still_claimed(claimed)
    assert sources.claim(source.gpt.owner_id) is None
    look(source, a="A")
    sources.remove(source)
    assert not KnowledgeFile.objects.filter(removed=None).exists()


def test_a_secret_is_for_its_host_only(gpt):
    repository = {"url": "https://git.example.org/a"}
    source = sources.save(Source(gpt=gpt, kind="git"), repository, "a token", 24, True, by=gpt.owner)
    assert "a token" not in source.secret
    assert source.get_secret() == "a token"
    with pytest.raises(ValidationError, match="another host now"):
        sources.save(source, {"url": "https://evil.example.org/a"}, None, 24, True, by=source.gpt.owner)
    sources.save(Source.objects.get(), {"url": "https://git.example.org/b"}, None, 24, True, by=gpt.owner)
    moved = Source.objects.get()
    moved.settings["url"] = "https://evil.example.org/a"
    with pytest.raises(SecretLost):
        moved.get_secret()


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        ("site", {"url": "ftp://example.org"}, "url"),
        ("site", {"url": "https://user:secret@example.org"}, "url"),
        ("site", {}, "url"),
        ("site", {**SITE, "most": "301"}, "most"),
        ("git", {"url": "https://example.org", "folder": "../etc"}, "folder"),
        ("imap", {"host": "mail.example.org"}, "user"),
        ("page", {"url": "https://example.org/\x00"}, "url"),
    ],
)
def test_wrong_settings_say_which_and_why(gpt, kind, given, field):
    with pytest.raises(ValidationError) as caught:
        sources.save(Source(gpt=gpt, kind=kind), given, None, 24, True, by=gpt.owner)
    assert set(caught.value.message_dict) == {field}
    assert not Source.objects.exists()


def test_a_gpt_has_only_so_many(gpt):
    for n in range(sources.MOST_SOURCES):
        sources.save(Source(gpt=gpt, kind="page"), {"url": f"https://example.org/{n}"}, None, 24, True, by=gpt.owner)
    with pytest.raises(ValidationError, match="up to 10 sources"):
        sources.save(Source(gpt=gpt, kind="page"), {"url": "https://example.org/x"}, None, 24, True, by=gpt.owner)
