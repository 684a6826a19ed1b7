"""The health card counts what nobody needed and what repeats, and "ask the knowledge" says why a passage is given."""

import json
import shutil

import pytest

from gpts.knowledge.documents import Passage
from gpts.runs.steps import Finished, Retrieval
from tests.publishing import publish
from tests.workers.conftest import read
from tests.workers.made_services import made_services
from web.builder.files import add_file
from web.builder.models import Gpt
from web.runs import log, services
from web.runs.models import Conversation
from web.runs.services import start_conversation, start_run
from workers.engine.scripted import WEAK
from workers.indexing.health import health
from workers.indexing.probe import probe
from workers.knowledge.index import KnowledgeIndex
from workers.runs.services import Services

LEAVE = "Every employee has 28 days of paid leave a year, until March."


@pytest.fixture
def gpt(draft, words) -> Gpt:
    """Alice's GPT with two files that share a passage."""
    read(add_file(draft, "handbook.txt", [f"{LEAVE}\n".encode()]))
    read(add_file(draft, "letter.txt", [f"{LEAVE}\n\n".encode()]))
    read(add_file(draft, "pump.txt", [b"The filter part number is ZP-771. It fits the Zephyr-9 only.\n"]))
    publish(draft)
    return draft


def answered(gpt: Gpt, person, name: str, origin: str = "chat", question: str = "Secret words?") -> None:
    """A finished run whose search found the file `name`."""
    [ref] = [ref for ref in gpt.draft_spec().knowledge if ref.name == name]
    run = start_run(start_conversation(person, gpt), question)
    Conversation.objects.filter(messages__runs=run).update(origin=origin)
    lease = log.claim(run.id)
    passage = Passage(file_id=ref.file_id, file_name=name, segment=ref.segment, chunk=0, text="x", start=0, end=500)
    log.append(run.id, Retrieval(query=question, passages=(passage,), covered=True), lease)
    services.finish_run(run.id, Finished(text="Yes.", coverage="covered", finish="stop"), lease)


def test_without_questions_nothing_was_needed(gpt) -> None:
    found = health(gpt.id)
    assert (found["n_searches"], found["n_passages"], found["n_unused"]) == (0, 3, 3)


def test_a_passage_that_a_run_found_was_needed(gpt, alice) -> None:
    answered(gpt, alice, "pump.txt")
    answered(gpt, alice, "pump.txt")
    found = health(gpt.id)
    assert (found["n_searches"], found["n_used"], found["n_unused"]) == (2, 1, 2)
    assert {each["file_name"] for each in found["unused"]} == {"handbook.txt", "letter.txt"}


def test_previews_are_not_counted_and_nobodys_words_are_told(gpt, alice) -> None:
    answered(gpt, alice, "pump.txt", origin="preview")
    answered(gpt, alice, "handbook.txt", question="My secret illness")
    found = health(gpt.id)
    assert (found["n_searches"], found["n_used"]) == (1, 1)
    assert "illness" not in json.dumps(found)


def test_the_same_words_in_two_files_are_a_repeat(gpt) -> None:
    found = health(gpt.id)
    [repeat] = found["repeats"]
    assert (found["n_repeats"], repeat["exact"]) == (1, True)
    assert [place["file_name"] for place in repeat["places"]] == ["handbook.txt", "letter.txt"]
    assert repeat["text"].startswith("Every employee has 28 days")


def test_nearly_the_same_words_are_a_repeat_too(draft, words) -> None:
    steps = "Drain the housing, remove the cover, clean the seal, grease the shaft, refit the cover."
    read(add_file(draft, "guide.txt", [steps.encode()]))
    read(add_file(draft, "card.txt", [f"{steps} Done.".encode()]))
    [repeat] = health(draft.id)["repeats"]
    assert not repeat["exact"]
    assert {place["file_name"] for place in repeat["places"]} == {"guide.txt", "card.txt"}


def test_a_lost_segment_is_left_out(gpt, home) -> None:
    shutil.rmtree(home / "segments" / gpt.files.get(name="pump.txt").segment)
    assert health(gpt.id)["n_passages"] == 2


def scripted_services(home, words) -> Services:
    return made_services([], KnowledgeIndex(home, words), words, WEAK)


def test_a_question_shows_both_halves_and_what_is_given(gpt, words, home) -> None:
    told = probe(scripted_services(home, words), gpt.draft_spec(), "Which filter part number fits the Zephyr-9?")
    best = told["passages"][0]
    assert told["covered"]
    assert (best["file_name"], best["given"], best["why_not"]) == ("pump.txt", True, "")
    assert best["meaning"] > 0
    assert best["words"] > 0
    assert "is enough" in told["reason"]
    json.dumps(told)


def test_a_repeat_is_not_given_twice_and_says_so(gpt, words, home) -> None:
    told = probe(scripted_services(home, words), gpt.draft_spec(), "How many days of paid leave has every employee?")
    leave = [each for each in told["passages"] if "paid leave" in each["text"]]
    assert [each["given"] for each in leave] == [True, False]
    assert leave[1]["why_not"] == "Duplicate"


def test_what_is_not_covered_gives_nothing(gpt, words, home) -> None:
    told = probe(scripted_services(home, words), gpt.draft_spec(), "Who painted Guernica?")
    assert not told["covered"]
    assert not any(each["given"] for each in told["passages"])
