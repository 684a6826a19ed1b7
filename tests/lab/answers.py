"""`python -m tests.lab answers`: GPTs that answer only from their files, on questions with known answers.

The files go through the real pipeline and each question through the real turn: retrieval, decision, a model's or an
extractive answer, citations.
"""

import re
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.state import TurnState
from gpts.spec.gpt import GptSpec
from tests.lab.asked_cases import asked_report
from tests.lab.files import TextFiles
from tests.lab.measures import share
from tests.lab.quiz import BUNDLED, Quiz, QuizQuestion, quizzes
from tests.lab.turns import add_write, services_for, turn
from workers.bench import Say
from workers.knowledge.index import KnowledgeIndex
from workers.runs.services import Services

HELP = "answers over knowledge: right passage, right answer, supported citations, honest abstention"
# A quote supports its sentence if it contains every number and this share of the longer words. Plain word overlap, so
# that the code that chose the quote does not judge itself.
WORD_SHARE: Final = 0.8
_WORD: Final = re.compile(r"[^\W\d_]{4,}|\d+")
_ANY_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class QuizOutcome:
    """The result of one question. `n_supported` of `n_citations` quotes support their sentences."""

    kind: str
    retrieved: bool
    answered: bool
    declined: bool
    cites_answer: bool
    n_citations: int
    n_supported: int
    seconds: float


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--questions", type=Path, default=BUNDLED, help="a JSON file of articles and questions")
    parser.add_argument("--files", type=int, default=8, help="files per GPT (default 8)")
    parser.add_argument("--cases", type=Path, help="a JSON lines file of questions about the files beside it instead")
    parser.add_argument("--outcomes", type=Path, help="with --cases: write every answer to this JSON lines file")
    add_write(parser)


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures. Raises RuntimeError on a file that holds no questions."""
    if options["cases"]:
        return asked_report(options["cases"], services_for(options), say, options["outcomes"])
    try:
        sets = list(quizzes(options["questions"], max(1, options["files"])))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise RuntimeError(f"{options['questions']} has no usable questions: {error!r}") from error
    services = services_for(options)
    outcomes = [outcome for quiz in sets for outcome in _outcomes(quiz, services, say)]
    model = services.engine.health().model
    writer = f"the model, {model}" if services.engine.ability().writes_from_sources else "sentences of the files"
    return {"worded_by": writer} | figures_of(outcomes)


def _outcomes(quiz: Quiz, services: Services, say: Say) -> Iterator[QuizOutcome]:
    with TemporaryDirectory() as folder:
        home = Path(folder)
        say(f"Indexing {len(quiz.articles)} files ...")
        files = TextFiles(home, services.embedder)
        refs = [files.ref(f"{article.title}.md", article.markdown()).as_knowledge() for article in quiz.articles]
        spec = GptSpec(slug="quiz", name="Quiz", knowledge=tuple(refs), only_from_knowledge=True)
        indexed = replace(services, index=KnowledgeIndex(home, services.embedder))
        say(f"Asking {len(quiz.questions)} questions ...")
        for question in quiz.questions:
            yield ask(spec, question, indexed)


def ask(spec: GptSpec, question: QuizQuestion, services: Services) -> QuizOutcome:
    """Ask the GPT `question` and compare its answer with the accepted ones."""
    started = perf_counter()
    steps, last = turn(spec, question.text, services)
    seconds = perf_counter() - started
    passages = TurnState(spec, services.engine.ability(), steps, (), {}).passages()
    return QuizOutcome(
        kind=question.kind,
        retrieved=bool(question.sentence) and any(question.sentence in passage.text for passage in passages),
        answered=_contains(last.text, question.answers) and last.coverage == "covered",
        declined=last.coverage != "covered",
        cites_answer=any(_contains(citation.quote, question.answers) for citation in last.citations),
        n_citations=len(last.citations),
        n_supported=sum(_supports(citation, last.text, passages) for citation in last.citations),
        seconds=seconds,
    )


def _contains(text: str, answers: Iterable[str]) -> bool:
    plain = _plain(text)
    return any(f" {_plain(answer).strip()} " in plain for answer in answers)


def _plain(text: str) -> str:
    return " " + " ".join(_ANY_WORD.findall(text.casefold())) + " "


def _supports(citation: Citation, answer: str, passages: Iterable[Passage]) -> bool:
    """Whether the quote is literally in a retrieved passage and supports its sentence."""
    literal = any(
        passage.segment == citation.segment
        and passage.text[citation.start - passage.start : citation.end - passage.start] == citation.quote
        for passage in passages
    )
    said = set(_WORD.findall(answer[citation.answer_start : citation.answer_end].casefold()))
    held = set(_WORD.findall(citation.quote.casefold()))
    numbers = {word for word in said if word.isdigit()}
    return literal and numbers <= held and len(said & held) >= WORD_SHARE * len(said)


def figures_of(outcomes: Sequence[QuizOutcome]) -> dict[str, Any]:
    """Shares in 0..1, each over the questions of its kind, and the median time in seconds."""
    answerable, missing, foreign = (
        [each for each in outcomes if each.kind == kind] for kind in ("answerable", "missing", "foreign")
    )
    n_citations = sum(each.n_citations for each in outcomes)
    return {
        "n_answerable": len(answerable),
        "n_missing": len(missing),
        "n_foreign": len(foreign),
        "passage_retrieved": share(each.retrieved for each in answerable),
        "answer_right": share(each.answered for each in answerable),
        "answer_cited": share(each.answered and each.cites_answer for each in answerable),
        "wrongly_declined": share(each.declined for each in answerable),
        "n_citations": n_citations,
        "citations_supported": sum(each.n_supported for each in outcomes) / max(1, n_citations),
        "foreign_declined": share(each.declined for each in foreign),
        "missing_declined": share(each.declined for each in missing),
        "median_s": median(each.seconds for each in outcomes),
    }
