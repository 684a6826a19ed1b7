"""What a creator corrects about a passage is what their GPT knows, also of the next edition of the file."""

import pytest
from django.core.exceptions import ValidationError

from tests.workers.conftest import read
from web.builder.files import add_file, replace_file
from web.builder.passages import correct
from workers.indexing.probe import passages
from workers.knowledge import segments
from workers.knowledge.lexical import best

WRONG = "The purnp needs oil."
RIGHT = "The pump needs oil."
OTHER = "The seal is red."


@pytest.fixture
def file(draft, words):
    return read(add_file(draft, "manual.txt", [f"{WRONG}\n\n{OTHER}\n".encode()]))


def texts(file) -> list[str]:
    return [each["text"] for each in passages(file.segment, 0)["passages"]]


def test_a_corrected_passage_is_what_the_gpt_knows(file) -> None:
    old = file.segment
    correct(file, {"original": WRONG, "text": RIGHT})
    read(file)
    assert (file.status, file.segment == old) == ("ready", False)
    assert texts(file) == [RIGHT, OTHER]


def test_a_dropped_passage_is_gone_until_it_is_restored(file) -> None:
    old = file.segment
    correct(file, {"original": WRONG, "dropped": True})
    assert texts(read(file)) == [OTHER]
    correct(file, {"original": WRONG})
    assert read(file).segment == old


def test_a_passage_is_found_by_what_it_is_also_asked_as(file, home) -> None:
    assert not best(["gasket"], [segments.load(home, file.segment).postings], 9)
    correct(file, {"original": OTHER, "also_asked": ["gasket"]})
    segment = segments.load(home, read(file).segment)
    assert "gasket" not in segment.part(0, segment.n_chars)
    assert best(["gasket"], [segment.postings], 9)


def test_a_replaced_file_keeps_corrections_where_its_text_is_the_same(file) -> None:
    correct(file, {"original": WRONG, "text": RIGHT})
    read(file)
    newer = read(replace_file(file, "manual-2.txt", [f"{WRONG}\n\nThe seal is green.\n".encode()]))
    assert texts(newer) == [RIGHT, "The seal is green."]


@pytest.mark.parametrize(
    "changes", [{"original": ""}, {"original": "x" * 30_000}, {"original": WRONG, "also_asked": ["x"] * 11}]
)
def test_what_makes_no_sense_is_refused(file, changes) -> None:
    with pytest.raises(ValidationError):
        correct(file, changes)
    file.refresh_from_db()
    assert (file.status, file.corrections) == ("ready", {})
