"""Lines of context that a model writes change by what passages are found, and nothing that anybody reads."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from gpts.knowledge.terms import terms
from gpts.spec.gpt import KnowledgeRef
from tests.publishing import publish
from tests.workers.conftest import read
from tests.workers.made_services import made_services
from web.builder.changes import draft_changed
from web.builder.files import add_file, queue_again
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt
from web.runs import services as runs
from workers.engine.base import EngineError
from workers.engine.scripted import WEAK
from workers.indexing import contexts
from workers.knowledge import publishing, segments
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.lexical import best

MANUAL = "# Pump\n\nThe filter part number is ZP-771.\n\n# Warranty\n\nIt lasts two years from the sale.\n"
FIRST, SECOND = "Gasket of the Nimbus 4", "Guarantee of the Nimbus 4"


@pytest.fixture
def file(draft, words, settings) -> KnowledgeFile:
    """The file of a published GPT of a site that wants lines of context."""
    settings.CONTEXTUAL_CHUNKS = True
    file = read(add_file(draft, "manual.md", [MANUAL.encode()]))
    publish(draft)
    draft.refresh_from_db()
    return file


def model(words, *script, **more):
    """The services of a model worker whose model writes this."""
    return made_services(list(script), None, words, **more)


def has_lines(file: KnowledgeFile, home) -> bool:
    file.refresh_from_db()
    return segments.recipe_of(home, file.segment).contexts


def test_a_passage_is_found_by_its_line_which_is_nowhere_in_its_text(file, draft, words, home) -> None:
    old = segments.load(home, file.segment)
    contexts.write_lines(model(words, FIRST, SECOND))
    file.refresh_from_db()
    draft.refresh_from_db()
    (ref,) = draft.published.spec().knowledge
    new = segments.load(home, ref.segment)
    assert (ref.segment, draft_changed(draft)) == (file.segment, False)
    assert [best(["gasket"], [each.postings], 9) != [] for each in (old, new)] == [False, True]
    found = KnowledgeIndex(home, words).search([ref], "Who gives a guarantee?").passages
    assert "two years" in found[0].text
    assert new.part(0, new.n_chars) == old.part(0, old.n_chars)
    assert "Nimbus" not in repr(found) + (home / "segments" / ref.segment / "manifest.json").read_text()


def test_a_line_moves_the_vector_of_its_passage_towards_its_meaning_and_no_other(file, words, home) -> None:
    old = segments.load(home, file.segment)
    contexts.write_lines(model(words, "", "Guarantee of the Nimbus 4"))
    file.refresh_from_db()
    new = segments.load(home, file.segment)
    asked = words.encode_query("guarantee nimbus")
    assert new.cosine(0, asked) == pytest.approx(old.cosine(0, asked), abs=0.002)
    assert new.cosine(1, asked) > old.cosine(1, asked) + 0.1
    assert np.linalg.norm(new.vectors.reconstruct_n(0, 2), axis=1) == pytest.approx(1, abs=0.002)


def test_what_was_quoted_before_can_be_opened_after_the_old_segment_is_gone(file, words, home) -> None:
    old = KnowledgeRef(file_id="1", name="manual.md", segment=file.segment)
    contexts.write_lines(model(words, FIRST, SECOND))
    shutil.rmtree(home / "segments" / old.segment)
    assert "ZP-771" in KnowledgeIndex(home, words).whole([old])[0].text


def test_the_model_sees_the_file_s_name_and_beginning_and_its_reply_is_cut(file, words, home) -> None:
    its = model(words, "two\nlines " * 200)
    contexts.write_lines(its)
    prompts = [request.messages[-1].content for request in its.engine.requests]
    assert len(prompts) == segments.load(home, file.segment).info.n_chunks == 2
    assert "File: manual.md" in prompts[1]
    assert "It begins: Pump The filter" in prompts[1]
    lengths = segments.load(home, KnowledgeFile.objects.get().segment).postings.lengths
    assert lengths.max() < 150


def test_a_segment_is_done_once_also_for_another_gpt_and_after_a_restart(file, alice, words) -> None:
    contexts.write_lines(model(words, FIRST, SECOND))
    contexts.request_missing()
    other = read(add_file(create_gpt(alice, {"name": "Other"}), "copy.md", [MANUAL.encode()]))
    its = model(words, "unused")
    contexts.write_lines(its)
    file.refresh_from_db()
    assert (its.engine.requests, other.segment) == ([], file.segment)
    queue_again(other)
    assert read(other).segment == file.segment


def test_files_from_before_are_found_when_a_site_begins(file, words, home) -> None:
    shutil.rmtree(home / "notes")
    contexts.request_missing()
    contexts.write_lines(model(words, FIRST, SECOND))
    assert has_lines(file, home)


def test_a_worker_that_is_killed_loses_one_line(file, words, home) -> None:
    with pytest.raises(EngineError):
        contexts.write_lines(model(words, FIRST, [EngineError("killed")]))
    (lines,) = (home / "notes").glob("*/*.txt")
    lines.write_text(lines.read_text() + "Half a li")
    its = model(words, SECOND)
    contexts.write_lines(its)
    assert len(its.engine.requests) == 1
    file.refresh_from_db()
    postings = segments.load(home, file.segment).postings
    assert [bool(best([term], [postings], 9)) for term in terms("gasket guarantee half")] == [True, True, False]


def test_chats_go_first(file, home, conversation, words, monkeypatch) -> None:
    monkeypatch.setattr(contexts, "LOOK_EVERY_S", 0.0)
    its = model(words, FIRST, SECOND)
    run = runs.start_run(conversation, "How long does it last?")
    contexts.write_lines(its)
    assert its.engine.requests == []
    runs.cancel_run(run)
    contexts.write_lines(its)
    assert has_lines(file, home)


def test_two_workers_write_a_segment_once(file, words, home) -> None:
    (lines,) = (home / "notes").glob("*/*.txt")
    its = model(words, FIRST, SECOND)
    with publishing.locked(lines.with_suffix(".lock")):
        contexts.write_lines(its)
    assert its.engine.requests == []


def test_a_model_that_cannot_write_answers_writes_no_lines(file, words) -> None:
    its = model(words, "unused", ability=WEAK)
    contexts.write_lines(its)
    assert its.engine.requests == []


def test_a_segment_of_another_embedder_waits_until_its_file_is_read_again(file, words, home) -> None:
    words.id = "words-2"
    contexts.write_lines(model(words, FIRST, SECOND))
    assert not has_lines(file, home)


def test_a_site_that_does_not_want_lines_asks_for_none(draft, words, home) -> None:
    file = read(add_file(draft, "manual.md", [MANUAL.encode()]))
    assert not (home / "notes" / file.segment).exists()
    assert replace(segments.recipe_of(home, file.segment), contexts=True).address() != file.segment


@pytest.mark.parametrize(("limit", "value"), [("MOST_CHUNKS", 1), ("MANY_SEGMENTS", 0)])
def test_files_that_would_take_days_or_have_a_joint_index_get_none(file, words, monkeypatch, limit, value) -> None:
    monkeypatch.setattr(contexts, limit, value)
    its = model(words, "unused")
    contexts.write_lines(its)
    assert its.engine.requests == []
