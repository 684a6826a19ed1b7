"""After an upgrade, or a change of embedder, files are read again by themselves and GPTs go on answering."""

import json
import shutil

import pytest

from tests.publishing import publish
from tests.workers.conftest import read
from web.builder.changes import draft_changed
from web.builder.files import add_file, remove_file
from web.builder.models_files import KnowledgeFile
from workers.indexing import lost_segments
from workers.indexing.lost_segments import reindex_lost_files
from workers.knowledge import publishing, segments
from workers.knowledge.index import KnowledgeIndex


@pytest.fixture
def file(draft, words) -> KnowledgeFile:
    """The file of a published GPT."""
    file = read(add_file(draft, "manual.md", [b"# Pump\n\nThe filter part number is ZP-771.\n"]))
    publish(draft)
    draft.refresh_from_db()
    return file


def lose(home, **changed: object) -> None:
    """Change what every segment says it was made of, as an upgrade does with what it finds."""
    for path in (home / "segments").glob("*/manifest.json"):
        manifest = json.loads(path.read_text())
        manifest["recipe"] |= changed
        path.write_text(json.dumps(manifest))


def answers(draft, words, home) -> bool:
    """Whether the published version finds what its file holds."""
    draft.refresh_from_db()
    found = KnowledgeIndex(home, words).search(draft.published.spec().knowledge, "Which filter part number?")
    return "ZP-771" in found.passages[0].text


def test_an_older_format_is_read_again_and_the_published_version_uses_the_new_segment(
    file, draft, words, home
) -> None:
    old = file.segment
    shutil.move(home / "segments" / old, home / "segments" / "00ff")  # an older format had another address
    KnowledgeFile.objects.update(segment="00ff")
    draft.published.data["knowledge"][0]["segment"] = "00ff"
    draft.published.save()
    lose(home, format=1)

    assert reindex_lost_files(words.id) == 1
    file.refresh_from_db()
    assert (file.status, file.segment) == ("received", "")
    assert read(file).segment == old
    assert answers(draft, words, home)
    assert not draft_changed(draft)


def reembed(home) -> None:
    """Change every segment to one made with another embedder, as after a change of EMBEDDER."""
    for path in (home / "segments").glob("*/manifest.json"):
        manifest = publishing.read_manifest(path.parent)
        manifest["recipe"]["embedder"] = "another"
        path.write_text(json.dumps({**manifest, "seal": publishing._seal(manifest)}))


def test_after_a_change_of_embedder_the_old_segment_answers_until_there_is_a_new_one(
    file, draft, words, home
) -> None:
    reembed(home)
    assert reindex_lost_files(words.id) == 1
    file.refresh_from_db()
    assert (file.status, bool(file.segment)) == ("received", True)
    assert answers(draft, words, home)
    words.id = "words-2"
    before = file.segment
    assert read(file).segment != before
    draft.refresh_from_db()
    assert [ref.segment for ref in draft.published.spec().knowledge] == [file.segment]
    assert answers(draft, words, home)


def test_two_workers_that_look_at_once_queue_a_file_once(file, words, home, monkeypatch) -> None:
    reembed(home)
    found, all_needed = [], lost_segments._needed

    def needed():
        """Lets another worker look, and read what it found, after this one has."""
        if not found:
            found.append(list(all_needed()))
            found.append(reindex_lost_files("words-2"))
            words.id = "words-2"
            read(file)
            (home / "segments" / lost_segments.MARKER).unlink()
        return found[0]

    monkeypatch.setattr(lost_segments, "_needed", needed)
    assert reindex_lost_files("words-2") == 0
    file.refresh_from_db()
    assert (found[1], file.status) == (1, "ready")


def test_a_worker_killed_while_it_looks_looks_again(file, words, home, monkeypatch) -> None:
    reembed(home)
    with monkeypatch.context() as patched:
        patched.setattr(lost_segments, "read_again", raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            reindex_lost_files(words.id)
    assert reindex_lost_files(words.id) == 1


def raise_interrupt(*args: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("changed", [{"embedder": "another"}, {"format": segments.FORMAT - 1}])
def test_what_cannot_be_searched_any_more_counts_as_lost(file, words, home, changed) -> None:
    lose(home, **changed)
    assert reindex_lost_files(words.id) == 1


def test_segments_that_are_gone_are_made_anew(file, draft, words, home) -> None:
    shutil.rmtree(home / "segments")
    assert reindex_lost_files(words.id) == 1
    read(file)
    assert answers(draft, words, home)


def test_what_is_usable_is_left_alone_and_looked_at_only_once(file, words, home) -> None:
    assert reindex_lost_files(words.id) == 0
    lose(home, format=1)
    assert reindex_lost_files(words.id) == 0  # the same site as before: nothing to compare
    assert reindex_lost_files("another") == 1


def test_a_file_that_only_the_published_version_has_is_made_anew_too(file, draft, words, home) -> None:
    remove_file(file)
    shutil.rmtree(home / "segments")
    assert reindex_lost_files(words.id) == 1
    read(file)
    assert answers(draft, words, home)
    assert draft.draft_spec().knowledge == ()


def test_a_removed_file_that_nothing_needs_is_not(file, draft, words, home) -> None:
    remove_file(file)
    publish(draft)
    shutil.rmtree(home / "segments")
    assert reindex_lost_files(words.id) == 0
