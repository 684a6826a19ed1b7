"""An uploaded file becomes ready, or says why not, whatever happens to its worker."""

import shutil
from datetime import timedelta

import pytest
from django.utils import timezone

from gpts.spec.gpt import KnowledgeRef
from tests.workers.knowledge.conftest import WordEmbedder
from web.builder.files import add_file, cancel_file, remove_file, retry_file
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt, publish_when_ready
from workers.indexing import files as indexing
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.pipeline import IndexingProgress

TEXT = b"# Pump\n\nThe filter part number is ZP-771.\n"


@pytest.fixture(autouse=True)
def embedder(words) -> WordEmbedder:
    """The worker's embedder, without weights."""
    return words


@pytest.fixture
def file(draft) -> KnowledgeFile:
    return add_file(draft, "manual.md", [TEXT])


def test_a_file_becomes_ready_and_answers(file, embedder, settings) -> None:
    indexing.index_next()
    file.refresh_from_db()
    assert (file.status, file.error) == ("ready", "")
    assert file.n_done == file.n_chunks == 1
    assert file.n_tokens > 5
    ref = KnowledgeRef(file_id=str(file.id), name=file.name, segment=file.segment)
    found = KnowledgeIndex(settings.GUILDHALL_HOME, embedder).search([ref], "Which filter part?")
    assert "ZP-771" in found.passages[0].text


def test_a_broken_file_fails_with_its_sentence(draft) -> None:
    file = add_file(draft, "program.pdf", [b"\x7fELF" + bytes(100)])
    indexing.index_next()
    file.refresh_from_db()
    assert file.status == "failed"
    assert "Programs aren’t supported" in file.error
    assert file.claimed_until is None


def test_an_unexpected_error_fails_with_a_general_sentence_and_is_logged(file, monkeypatch, caplog) -> None:
    monkeypatch.setattr(indexing, "build_segment", lambda *_: 1 / 0)
    indexing.index_next()
    file.refresh_from_db()
    assert (file.status, file.error) == ("failed", indexing.UNEXPECTED)
    assert "ZeroDivisionError" in caplog.text


def test_a_failed_file_can_be_tried_again(file, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(indexing, "build_segment", lambda *_: 1 / 0)
        indexing.index_next()
    file.refresh_from_db()
    retry_file(file)
    indexing.index_next()
    file.refresh_from_db()
    assert file.status == "ready"


def test_a_second_delivery_does_nothing(file, monkeypatch) -> None:
    indexing.index_next()
    monkeypatch.setattr(indexing, "build_segment", lambda *_: pytest.fail("built again"))
    indexing.index_next()


def test_a_claimed_file_is_left_to_its_worker(file) -> None:
    assert indexing.claim(KnowledgeFile, file.id) is not None
    assert indexing.claim(KnowledgeFile, file.id) is None


def test_a_claim_that_ran_out_is_taken_over_and_the_late_worker_stops(file) -> None:
    late = indexing.Claim(indexing.claim_next())
    KnowledgeFile.objects.filter(id=file.id).update(claimed_until=timezone.now() - timedelta(seconds=1))
    indexing.index_next()
    with pytest.raises(indexing.ClaimLost):
        late.save(n_done=0)
    late.fail("too late")
    file.refresh_from_db()
    assert file.status == "ready"


def test_removing_a_file_stops_its_indexing(file, settings) -> None:
    held = indexing.Claim(indexing.claim_next())
    remove_file(file)
    with pytest.raises(indexing.ClaimLost):
        held.report(IndexingProgress("embedding", 0, 9))


def test_a_removed_file_is_not_indexed(file) -> None:
    remove_file(file)
    indexing.index_next()
    file.refresh_from_db()
    assert file.status == "cancelled"


def test_news_is_saved_at_once_and_the_rest_now_and_then(file, django_assert_num_queries) -> None:
    held = indexing.Claim(indexing.claim_next())
    with django_assert_num_queries(1):
        held.report(IndexingProgress("embedding", 0, 99))
        held.report(IndexingProgress("embedding", 1, 99))
    file.refresh_from_db()
    assert (file.status, file.n_done, file.n_chunks) == ("embedding", 0, 99)


def test_a_gpt_that_waited_for_its_file_is_published(file, draft) -> None:
    publish_when_ready(draft, by=draft.owner)
    indexing.index_next()
    draft.refresh_from_db()
    assert [ref.name for ref in draft.versions.get().spec().knowledge] == ["manual.md"]


def test_a_worker_that_embedded_and_then_had_nothing_to_do_ends_to_be_replaced(file, monkeypatch, embedder) -> None:
    ended: list[tuple[int, int]] = []
    monkeypatch.setattr(indexing.os, "kill", lambda pid, number: ended.append((pid, number)))
    for idle_s in (0.0, indexing.IDLE_S / 2):
        monkeypatch.setattr(embedder, "idle_s", lambda idle_s=idle_s: idle_s, raising=False)
        indexing.retire_if_idle()
    assert ended == []
    monkeypatch.setattr(embedder, "idle_s", lambda: indexing.IDLE_S + 1, raising=False)
    indexing.claim_next()  # a long scan: a worker that ends would take nothing else until it is read
    indexing.retire_if_idle()
    assert ended == []
    KnowledgeFile.objects.update(claimed_until=None)
    indexing.retire_if_idle()
    assert ended == [(indexing.os.getpid(), indexing.signal.SIGTERM)]


def test_pages_read_so_far_are_told_and_the_time_left_follows_from_them(file) -> None:
    held = indexing.Claim(indexing.claim_next())
    held._saved -= indexing.SAVE_EVERY_S  # as if the last report was a while ago
    held.report(IndexingProgress("parsing", 0, 0, 50, 200))
    KnowledgeFile.objects.update(started=timezone.now() - timedelta(seconds=20))
    file.refresh_from_db()
    assert (file.status, file.n_read, file.n_pages) == ("parsing", 50, 200)
    assert file.seconds_left in (60, 61)


def test_the_time_left_starts_anew_with_embedding(file) -> None:
    held = indexing.Claim(indexing.claim_next())
    KnowledgeFile.objects.update(started=timezone.now() - timedelta(seconds=500))
    held.report(IndexingProgress("embedding", 0, 100))
    file.refresh_from_db()
    assert file.seconds_left is None
    assert timezone.now() - file.started < timedelta(seconds=5)


def test_cancelling_stops_the_worker_and_the_file_can_be_read_again(file) -> None:
    held = indexing.Claim(indexing.claim_next())
    assert cancel_file(file)
    with pytest.raises(indexing.ClaimLost):
        held.report(IndexingProgress("embedding", 0, 9))
    file.refresh_from_db()
    assert file.status == "cancelled"
    assert not cancel_file(file)
    assert indexing.claim_next() is None
    assert retry_file(file)
    indexing.index_next()
    file.refresh_from_db()
    assert file.status == "ready"


def test_content_known_here_is_ready_at_once_in_another_gpt_of_the_owner(file, sent_tasks) -> None:
    indexing.index_next()
    sent_tasks.clear()
    copy = add_file(create_gpt(file.gpt.owner, {"name": "Other"}), "copy.md", [TEXT])
    file.refresh_from_db()
    assert (copy.status, copy.segment, copy.n_chunks) == ("ready", file.segment, file.n_chunks)
    assert sent_tasks == []


def test_known_content_whose_segment_is_gone_is_read_again(file, home) -> None:
    indexing.index_next()
    shutil.rmtree(home / "segments")
    assert add_file(create_gpt(file.gpt.owner, {"name": "Other"}), "copy.md", [TEXT]).status == "received"
