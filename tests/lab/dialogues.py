"""`python -m tests.lab dialogues FILE`: conversations with GPTs over their files, scored turn by turn.

The file holds JSON lines `{"id", "kind", "lang", "gpt": {"name", "description", "instructions", "starters",
"only_from_knowledge"}, "files": {name: text}, "turns": [{"user", "attach": {name: text}, "expect": {...}}]}`, where
`attach` holds files that come with the message, if any. A turn is right if all that it expects is true of the answer:
`quote` (text of a file that the answer gives or cites), `contains`, `not_contains` (lists of texts), `declines` (it
says that the files do not cover the question, and claims nothing), `no_citations`.
Numbers, dates and times count as equal in any notation.

questions/dialogues-dev is for looking at and tuning on; questions/dialogues-final, by the same author
over other GPTs, is only ever scored: whoever reads its wrong answers must write another.
"""

import re
import unicodedata
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from gpts.knowledge.figures import figures, figures_agree
from gpts.runs.steps import Finished, Log, MessageIntent
from gpts.spec.gpt import GptSpec
from tests.lab.cases import read_cases, write_rows
from tests.lab.files import TextFiles
from tests.lab.turns import add_write, services_for, turn
from workers.bench import Say
from workers.knowledge.index import KnowledgeIndex
from workers.runs.services import Services

HELP = "conversations over files, turn by turn: small talk, follow-ups, tasks, whole files"

QUESTIONS: Final = Path(__file__).parent / "questions"
WHOLE_FILES: Final = "whole_files"
# Dialogues of this kind are left out of the figures over all kinds, which stay comparable with those before them.
ATTACHMENT: Final = "attachment"
TASK: Final = "task"
# Share of a quote's words that an answer must contain to count as giving it.
QUOTE_SHARE: Final = 0.8
_WORD: Final = re.compile(r"[^\W_]+")
# How an answer says that the files do not hold something, in the languages of the bundled dialogues.
_DECLINES: Final = re.compile(
    r"(?:do(?:es)?|did|is|are|was|were|has|have|can|could)(?:n['’]t| not) (?:\w+ ){0,3}"
    r"(?:cover|mention|contain|say|include|specif|provid|state|find|list|address|answer|inform)"
    r"|no (?:information|mention|details)|not (?:covered|mentioned|specified|stated|included|listed|provided)"
    r"|(?:keine?n? (?:angaben?|informationen|hinweise?)|nicht (?:erwähnt|enthalten|angegeben|abgedeckt)"
    r"|steht nicht|enthalten? (?:dazu )?nicht|decken? .{0,40}nicht ab)"
    r"|ne (?:\w+ ){0,3}(?:mentionn|couvr|contien|précis|indiqu|trait)\w*(?: \w+)? pas|aucune (?:information|mention)"
    r"|no (?:\w+ ){0,3}(?:menciona|cubre|contiene|especifica|indica|trata|incluye|figura|aparece)"
    r"|ninguna (?:información|mención)|non (?:\w+ ){0,2}(?:menziona|contien|copr|indica|tratta)",
    re.IGNORECASE,
)


class Expectation(BaseModel):
    """What must be true of an answer; what is not set is not looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quote: str = ""
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    declines: bool | None = None
    no_citations: bool | None = None


class DialogueTurn(BaseModel):
    """A message of the person and what is expected of its answer."""

    model_config = ConfigDict(frozen=True)

    user: str
    attach: dict[str, str] = Field(default_factory=dict)
    expect: Expectation = Expectation()


class DialogueGpt(BaseModel):
    """The GPT of a dialogue, as its creator described it."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str = ""
    instructions: str = ""
    starters: tuple[str, ...] = ()
    only_from_knowledge: bool = False


class ScoredDialogue(BaseModel):
    """A conversation with a GPT over `files` (text by name)."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    lang: str = ""
    gpt: DialogueGpt
    files: dict[str, str] = Field(default_factory=dict)
    turns: tuple[DialogueTurn, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """An answer and what is wrong with it; `wrong` is empty if nothing is.

    `score` is 1 if nothing is wrong, for a task on whole files the share of `contains` that the answer has.
    `is_honest`: the task needs a text to be written, and the answer says that the model cannot.
    """

    dialogue: str
    kind: str
    lang: str
    number: int
    user: str
    answer: str
    coverage: str
    quotes: tuple[str, ...]
    wrong: tuple[str, ...]
    score: float
    is_honest: bool
    seconds: float


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="conversations, one JSON object per line")
    parser.add_argument("--transcript", type=Path, help="write every turn to this JSON lines file")
    add_write(parser)


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures. Raises RuntimeError on a file that holds no dialogues."""
    dialogues = read_cases(options["file"], ScoredDialogue)
    outcomes = list(held_dialogues(dialogues, services_for(options), say))
    if options["transcript"]:
        write_rows(options["transcript"], outcomes)
    return dialogue_figures(outcomes)


def held_dialogues(dialogues: Sequence[ScoredDialogue], services: Services, say: Say) -> Iterator[TurnOutcome]:
    """The outcome of every turn; the answers of a dialogue are the history of its later turns."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        here = replace(services, index=KnowledgeIndex(home, services.embedder))
        files = TextFiles(home, here.embedder)
        for number, dialogue in enumerate(dialogues, 1):
            say(f"{number} of {len(dialogues)}: {dialogue.id}")
            yield from hold(dialogue, files, here)


def hold(dialogue: ScoredDialogue, files: TextFiles, services: Services) -> Iterator[TurnOutcome]:
    """The outcome of each turn of `dialogue`."""
    knowledge = tuple(files.ref(name, text).as_knowledge() for name, text in dialogue.files.items())
    spec = GptSpec(slug="dialogue", knowledge=knowledge, **dialogue.gpt.model_dump())
    history: list[Log] = []
    for number, each in enumerate(dialogue.turns, 1):
        started = perf_counter()
        attached = [files.ref(name, text) for name, text in each.attach.items()]
        steps, last = turn(spec, each.user, services, history, attached)
        seconds = perf_counter() - started
        history.append((*steps, last))
        wrong = tuple(wrong_with(last, each.expect))
        yield TurnOutcome(
            dialogue=dialogue.id,
            kind=dialogue.kind,
            lang=dialogue.lang,
            number=number,
            user=each.user,
            answer=last.text,
            coverage=last.coverage,
            quotes=tuple(citation.quote for citation in last.sources),
            wrong=wrong,
            score=_score(dialogue.kind, each.expect, wrong),
            is_honest=any(isinstance(step, MessageIntent) and step.intent == "rewrite" for step in steps),
            seconds=round(seconds, 2),
        )


def wrong_with(last: Finished, expect: Expectation) -> Iterator[str]:
    """What `expect` asks for and the answer is not; what it offers below itself, if it declines, counts as well."""
    cited = [citation.quote for citation in last.sources]
    shown = "\n\n".join((last.text, *(citation.quote for citation in last.closest)))
    if expect.quote and not (_gives(shown, expect.quote) or any(_overlap(each, expect.quote) for each in cited)):
        yield "quote"
    yield from (f"contains {each}" for each in expect.contains if not contains(shown, each))
    yield from (f"not_contains {each}" for each in expect.not_contains if contains(shown, each))
    if expect.declines is not None and expect.declines != declines(last):
        yield "declines" if expect.declines else "declined"
    if expect.no_citations and last.citations:
        yield "no_citations"


def _score(kind: str, expect: Expectation, wrong: Sequence[str]) -> float:
    missed = sum(each.startswith("contains ") for each in wrong)
    if kind == WHOLE_FILES and expect.contains and missed == len(wrong):
        return 1 - missed / len(expect.contains)
    return float(not wrong)


def declines(last: Finished) -> bool:
    """Whether the answer says that the files do not, or may not, cover the question; what it quotes says nothing."""
    own, end = "", 0
    for citation in last.citations:
        own += last.text[end : citation.answer_start]
        end = max(end, citation.answer_end)
    return last.coverage == "not_covered" or bool(_DECLINES.search(own + last.text[end:]))


def contains(text: str, wanted: str) -> bool:
    """Whether `text` contains `wanted`, whatever the punctuation and the notation of its figures."""
    if _plain(wanted) in _plain(text) and (_plain(wanted) or wanted in text):
        return True
    words = [word for word in _plain(wanted).split() if not figures(word)]
    return bool(figures(wanted)) and figures_agree(wanted, text) and all(word in _plain(text) for word in words)


def _gives(answer: str, quote: str) -> bool:
    """Whether `answer` has nearly all words of `quote`, and its figures."""
    own, wanted = set(_plain(answer).split()), {word for word in _plain(quote).split() if not word.isdigit()}
    return len(wanted & own) >= QUOTE_SHARE * len(wanted) and figures_agree(quote, answer)


def _overlap(cited: str, quote: str) -> bool:
    """Whether one of the two texts contains the other, or they share most of the words of the shorter one."""
    one, other = _plain(cited), _plain(quote)
    shorter = min(set(one.split()), set(other.split()), key=len)
    shared = set(one.split()) & set(other.split())
    return one in other or other in one or len(shared) >= QUOTE_SHARE * max(1, len(shorter))


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def dialogue_figures(outcomes: Sequence[TurnOutcome]) -> dict[str, Any]:
    """The share of right turns, in all, by kind and by language; `median_s` in seconds.

    In `right` an honest line counts for tasks that need writing, in `right_as_asked` it does not. `right_unsure` is
    the share of turns that are right although the answer says that the files may not hold it. Dialogues about
    attached files count by kind only, unless there are no others.
    """
    by_kind, by_lang = (_grouped(outcomes, key) for key in (lambda each: each.kind, lambda each: each.lang))
    outcomes = [each for each in outcomes if each.kind != ATTACHMENT] or outcomes
    unsure = [each for each in outcomes if each.coverage == "not_covered" and each.quotes and not each.wrong]
    return {
        "n_turns": len(outcomes),
        "right": _right(outcomes),
        "right_as_asked": sum(each.score for each in outcomes) / max(1, len(outcomes)),
        "right_unsure": len(unsure) / max(1, len(outcomes)),
        "by_kind": by_kind,
        "by_lang": by_lang,
        "median_s": median(each.seconds for each in outcomes),
    }


def _grouped(outcomes: Sequence[TurnOutcome], key: Callable[[TurnOutcome], str]) -> Mapping[str, float]:
    names = dict.fromkeys(map(key, outcomes))
    return {name: _right([each for each in outcomes if key(each) == name]) for name in names}


def _right(outcomes: Sequence[TurnOutcome]) -> float:
    honest = (1.0 if each.is_honest and each.kind.startswith(TASK) else each.score for each in outcomes)
    return sum(honest) / max(1, len(outcomes))
