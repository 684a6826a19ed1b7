"""What a tree may cost, what counts as the same request, what comes back, and who is told what."""

import pytest

from gpts.knowledge.citations import Basis, ground
from gpts.knowledge.documents import Citation, Passage
from gpts.runs.delegation import (
    Bounds,
    Spent,
    cited_passages,
    delegation_chain,
    label_of_gpt,
    listed_answers,
    named_delegates,
    request_digest,
    result_of,
    title_of,
    why_not,
    would_wait_for_itself,
)
from gpts.runs.steps import (
    Cancelled,
    Delegator,
    Error,
    FileRef,
    Finished,
    Retrieval,
    ToolResult,
    UserMessage,
)
from gpts.safety.labels import Integrity, Label, untrusted
from gpts.spec.gpt import DelegateRef

BOUNDS = Bounds(depth=3, runs=10, runs_per_gpt=2, tokens=1_000, seconds=60)
FREE = {"name": "Clerk", "depth": 1, "runs": 0, "of_gpt": 0, "tokens": 0, "is_late": False}
TEXT = "The seal kit is ZP-771."
PASSAGE = Passage(file_id="f", file_name="manual.md", segment="s", chunk=0, text=TEXT, start=0, end=len(TEXT))
ANSWERED = (
    UserMessage(text="Which kit?"),
    Retrieval(query="", passages=(PASSAGE, PASSAGE.model_copy(update={"chunk": 1})), covered=True),
    Finished(text=TEXT, citations=ground(TEXT, (PASSAGE,)).citations, label=untrusted("the file manual.md")),
)


def test_within_all_bounds_nothing_speaks_against_it():
    assert why_not(BOUNDS, Spent(**FREE)) == ""


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        ({"depth": 4}, "3 levels"),
        ({"runs": 10}, "10 runs"),
        ({"of_gpt": 2}, "2 times"),
        ({"tokens": 1_000}, "1,000 tokens"),
        ({"is_late": True}, "60 seconds"),
    ],
)
def test_each_bound_is_a_sentence_that_names_the_gpt_and_the_bound(spent, words):
    told = why_not(BOUNDS, Spent(**FREE | spent))
    assert told.startswith("Clerk couldn't be asked: ")
    assert words in told
    assert told.endswith(".")


@pytest.mark.parametrize("same", ["what is the VAT?", " What  is\nthe vat ", "Whát is the VAT!!"])
def test_case_accents_punctuation_and_space_make_no_other_request(same):
    assert request_digest("1", same) == request_digest("1", "What is the VAT?")


@pytest.mark.parametrize(("gpt", "task"), [("2", "What is the VAT?"), ("1", "What is the VAT of 2024?"), ("1", "?")])
def test_another_gpt_or_another_word_makes_another_request(gpt, task):
    assert request_digest(gpt, task) != request_digest("1", "What is the VAT?")


def test_tasks_without_words_are_told_apart():
    assert request_digest("1", "Sum up.", ["a"]) != request_digest("1", "Sum up.", ["b"])
    assert request_digest("1", "?") != request_digest("1", "!")
    assert request_digest("1", "增值税是多少") != request_digest("1", "税率是多少")


def test_a_run_that_waits_for_the_asker_over_others_would_wait_for_itself():
    waits = {"b": ["c"], "c": ["d", "a"], "d": ["b"]}
    assert would_wait_for_itself("a", "b", waits)
    assert would_wait_for_itself("a", "a", {})
    assert not would_wait_for_itself("a", "d", {"d": ["e"], "e": ["d"]})


def test_delegates_have_tool_names_of_their_own():
    slugs = ["tax-clerk", "x" * 70, "x" * 70 + "-2", "store", "user"]
    named = named_delegates(DelegateRef(gpt_id=str(n), slug=slug) for n, slug in enumerate(slugs))
    assert next(iter(named)) == "ask_tax_clerk"
    assert len(named) == len(slugs)
    assert named.keys().isdisjoint({"ask_store", "ask_user"})
    assert all(len(name) <= 64 for name in named)


def test_the_chain_grows_by_the_gpt_that_asks():
    top, own = Delegator(slug="desk", name="Desk"), Delegator(slug="clerk", name="Clerk")
    assert delegation_chain((UserMessage(text="x"),), own) == (own,)
    assert delegation_chain((UserMessage(text="x", delegated_by=(top,)),), own) == (top, own)


class TestResult:
    """What a call gets from the run that answered it."""

    def test_an_answer_comes_with_the_passages_that_it_cites_and_its_label(self):
        result = result_of("call_0", "ask_clerk", "Clerk", ANSWERED, Label())
        assert (result.text, result.ok) == (TEXT, True)
        assert result.passages == (PASSAGE.model_copy(update={"gpt": "Clerk"}),)
        assert [each.gpt for each in result.citations] == ["Clerk"]
        assert result.label == untrusted("the file manual.md")

    def test_a_strangers_answer_is_text_from_outside(self):
        log = (UserMessage(text="x"), Finished(text="Yes.", label=Label(integrity=Integrity.CREATOR)))
        assert result_of("c", "t", "Clerk", log, label_of_gpt("Clerk", 1, (2, 3))).label == untrusted("the GPT Clerk")

    @pytest.mark.parametrize(
        ("last", "told"),
        [
            (Error(message="It broke."), "Clerk didn't answer. It broke."),
            (Cancelled(text="Half"), "Clerk was stopped before it answered."),
            (Finished(text=" "), "Clerk gave an empty answer."),
        ],
    )
    def test_what_went_wrong_is_a_sentence(self, last, told):
        result = result_of("c", "t", "Clerk", (UserMessage(text="x"), last), Label())
        assert (result.text, result.ok) == (told, False)

    @pytest.mark.parametrize("last", [Error(message="It broke."), Cancelled()])
    def test_files_of_a_run_that_did_not_answer_come_with_their_labels(self, last):
        private = untrusted("the answer of crm.example.org", private=("action:crm.example.org",))
        made = ToolResult(call_id="c", name="crm", text="", files=(FileRef(name="people.csv"),), label=private)
        result = result_of("c", "t", "Clerk", (UserMessage(text="x"), made, last), Label())
        assert (result.files, result.label) == (made.files, private)

    def test_why_a_run_failed_has_the_label_of_what_it_had_read(self):
        result = result_of("c", "t", "Clerk", (*ANSWERED[:2], Error(message="“Obey.” is no value.")), Label())
        assert result.label == untrusted("the file manual.md", private=("knowledge",))

    def test_nothing_is_cited_of_a_run_without_an_answer(self):
        assert cited_passages((*ANSWERED[:2], Error(message="x"))) == ()

    def test_a_citation_of_a_passage_that_is_not_in_the_log_brings_none(self):
        forged = Citation(**ANSWERED[-1].citations[0].model_dump() | {"file_id": "other"})
        assert cited_passages((*ANSWERED[:2], Finished(text=TEXT, citations=(forged,)))) == ()


def test_answers_stand_under_names_that_cannot_be_markup():
    assert listed_answers([("A*b", "1"), ("C", "2")]) == "**A\\*b**\n\n1\n\n**C**\n\n2"


def test_the_names_above_answers_claim_nothing():
    text = listed_answers([("Pump Doctor 9", TEXT)])
    grounding = ground(text, (PASSAGE,), basis=Basis(titles={title_of("Pump Doctor 9")}))
    assert [each.level for each in grounding.support] == ["supported"]
    assert len(ground(text, (PASSAGE,)).support) == 2
