"""A question that leans on the conversation finds what it is about; one that does not is left alone."""

import re
from functools import cache
from pathlib import Path

import pytest

from gpts.knowledge.documents import Citation
from gpts.knowledge.terms import terms
from gpts.runs.messages import PromptMessage
from gpts.runs.queries import is_follow_up, retrieval_query
from gpts.runs.steps import Finished, Log, UserMessage
from tests.gpts.knowledge.conversations import FOLLOW_UPS, NEW_TOPICS, SECTIONS
from web.builder.management.commands.createsamples import SAMPLES
from workers.knowledge.lexical import Postings, best

CORPORA = Path(__file__).with_name("corpora")
FOLDERS = {
    "pump": SAMPLES / "pump-doctor" / "files",
    "plants": CORPORA / "plants",
    "bread": SAMPLES / "sourdough-coach" / "files",
    "museum": CORPORA / "museum",
}


@cache
def sections(corpus: str) -> dict[str, str]:
    """The sections of a corpus by heading."""
    if corpus in SECTIONS:
        return SECTIONS[corpus]
    found = {}
    for path in sorted(FOLDERS[corpus].iterdir()):
        if path.suffix in (".md", ".txt"):
            for part in re.split(r"\n(?=#|Bulletin)", path.read_text()):
                heading, _, text = part.partition("\n")
                if text.strip():
                    found[heading.lstrip("# ").strip()] = text.strip()
    return found


@cache
def postings(corpus: str) -> Postings:
    return Postings.of([terms(f"{heading} {text}") for heading, text in sections(corpus).items()])


def found(corpus: str, query: str) -> str:
    """The heading of the section that BM25 finds first."""
    hits = best(terms(query), [postings(corpus)], 1)
    return list(sections(corpus))[hits[0][2]] if hits else ""


def read(lines: str) -> list[tuple[str, tuple[Log, ...], str, str]]:
    parsed = []
    for line in lines.strip().splitlines():
        corpus, before, question, heading = (each.strip() for each in line.split("|"))
        assert heading in sections(corpus), heading
        said = [each.strip() for each in before.split(" / ")]
        turns = tuple(turn(*said[n : n + 2]) for n in range(0, len(said), 2))
        parsed.append((corpus, turns, question, heading))
    return parsed


def turn(question: str, answer: str = "", heading: str = "") -> Log:
    cited = Citation(
        tag=1,
        file_id="f",
        file_name="f",
        segment="s",
        chunk=0,
        quote="",
        start=0,
        end=0,
        answer_start=0,
        answer_end=0,
    )
    citations = (cited.model_copy(update={"heading": heading}),) if heading else ()
    return (UserMessage(text=question), Finished(text=answer, citations=citations))


def test_follow_ups_find_their_section_and_not_without_the_conversation() -> None:
    conversations = read(FOLLOW_UPS)
    with_it = sum(found(c, retrieval_query(before, (UserMessage(text=q),))) == h for c, before, q, h in conversations)
    alone = sum(found(c, q) == h for c, _, q, h in conversations)
    assert len(conversations) >= 60
    assert with_it / len(conversations) >= 0.9
    assert alone / len(conversations) <= 0.6


def test_a_new_topic_finds_what_it_finds_alone() -> None:
    for corpus, before, question, heading in read(NEW_TOPICS):
        query = retrieval_query(before, (UserMessage(text=question),))
        assert found(corpus, query) == heading, query


def test_a_question_that_stands_alone_is_searched_as_it_is() -> None:
    question = "How long does the housing gasket last in salt water?"
    assert retrieval_query((turn("Which seal?"),), (UserMessage(text=question),)) == question


def test_what_an_answer_named_and_cited_is_carried_along() -> None:
    before = (turn("Which pump is the quietest?", "The quietest is the Zephyr-12.", "Models > Noise"),)
    query = retrieval_query(before, (UserMessage(text="And what about its price?"),))
    assert query == "And what about its price? pump quietest Noise Zephyr-12"


def test_an_answer_that_says_nothing_is_not_carried_along() -> None:
    history = (turn("¿cómo hago pan de masa madre?", "No estoy seguro de que los archivos respondan a esto."),)
    query = retrieval_query(history, (UserMessage(text="¿y cuánta sal lleva?"),))
    assert "masa madre" in query
    assert "archivos" not in query


def test_the_topic_is_taken_from_the_question_that_named_it() -> None:
    before = (turn("Tell me about the aloe"), turn("Is it toxic?"), turn("Why?"))
    assert "aloe" in retrieval_query(before, (UserMessage(text="And its flowers?"),))


def test_an_older_topic_is_left_behind() -> None:
    before = (turn("Tell me about the aloe"), turn("When is the museum open on Mondays?"))
    assert "aloe" not in retrieval_query(before, (UserMessage(text="And on Sundays?"),))


def test_what_an_api_caller_sent_along_counts_as_the_turns_before() -> None:
    earlier = (
        PromptMessage(role="user", content="Which seal fits?"),
        PromptMessage(role="assistant", content="It is ZP-771."),
    )
    query = retrieval_query((), (UserMessage(text="And its price?", earlier=earlier),))
    assert query == "And its price? seal fits ZP-771"


@pytest.mark.parametrize(
    "question",
    [
        "Why?",
        "Warum?",
        "Et son prix ?",
        "¿Y cuánto cuesta?",
        "E quanto costa?",
        "E o preço?",
        "En de prijs?",
        "Price?",
        "Does the other one cost more?",
        "How much is one of them?",
    ],
)
def test_short_questions_are_follow_ups(question: str) -> None:
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    [
        "And who won the football world cup in 1998?",
        "Is it true that the Eiffel Tower grows in the summer heat?",
        "Wie beantrage ich Urlaub?",
        "¿Qué es la fotosíntesis en las plantas?",
        "How many days of leave do I have?",
        "how much did one poster cost",
        "What does one square metre cost?",
    ],
)
def test_questions_with_a_topic_of_their_own_are_not(question: str) -> None:
    assert not is_follow_up(question)


def test_one_before_a_noun_is_not_searched() -> None:
    assert retrieval_query((), (UserMessage(text="how much did one poster cost"),)) == "how much did a poster cost"
