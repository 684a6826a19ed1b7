"""`python -m tests.lab answers --cases FILE`: questions about files of any kind, as written and with two typos.

The file holds JSON lines `{"id", "files", "question", "answers", "answerable", "lang", "kind"}`. `files` are names in
the folder `files` beside it, `answers` texts of which one is enough. `right_file` may name the files that a source
must be from; otherwise a file is right if its text holds an answer. What cannot be used is left out and counted.

questions/cases-dev is for looking at and tuning on, questions/cases-final by the same author is only ever scored.
So are cases-people-dev and cases-people-final, in the words of people and not of the files, by an author who had not
seen the product.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from gpts.knowledge.figures import figures, figures_agree
from gpts.runs.steps import Finished, Retrieval
from gpts.spec.gpt import GptSpec, KnowledgeRef
from tests.lab import packed
from tests.lab.cases import write_rows
from tests.lab.dialogues import contains, declines
from tests.lab.files import accepted_segment
from tests.lab.measures import share
from tests.lab.turns import turn
from workers.isolation.errors import FileError
from workers.knowledge import unions
from workers.knowledge.index import KnowledgeIndex
from workers.runs.services import Services

TYPOS: Final = 2
# Words from this length on get typos.
TYPO_CHARS: Final = 4
AS_WRITTEN: Final = "as written"
WITH_TYPOS: Final = f"{TYPOS} typos"
_WORD: Final = re.compile(rf"[^\W\d_]{{{TYPO_CHARS},}}")
# Answers that may be part of another word or number.
_SHORT: Final = re.compile(r"^\s*[^\W\u0e00-\u0eff\u3040-\u9fff]{1,3}\s*$|^\s*\d+\s*$")
_KEYS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class AskedCase(BaseModel):
    """A question about files, and what its answer must hold."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    id: str
    files: tuple[str, ...]
    question: str
    answers: tuple[str, ...] = ()
    answerable: bool = True
    lang: str = ""
    kind: str = ""
    right_file: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedOutcome:
    """What became of a question: whether a given passage, the answer and a quote hold a known answer.

    `right_file`: the first source is a file with the answer; None if nobody can tell.
    """

    id: str
    lang: str
    kind: str
    wording: str
    question: str
    answerable: bool
    answer: str
    quotes: tuple[str, ...]
    passage_found: bool
    answer_contains: bool
    quote_holds: bool
    right_file: bool | None
    declined: bool
    seconds: float


def read_asked(path: Path) -> tuple[list[AskedCase], Counter[str]]:
    """The cases of a file and what was left out of it. Raises RuntimeError if there are none."""
    cases: list[AskedCase] = []
    oddities: Counter[str] = Counter()
    try:
        lines = packed.read(path, errors="replace").split("\n")
    except OSError as error:
        raise RuntimeError(f"{path} cannot be read: {error}.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = AskedCase.model_validate(_row(line, number))
        except (ValueError, ValidationError, RecursionError):
            oddities["lines that are no cases"] += 1
            continue
        if not case.question.strip() or not case.files:
            oddities["cases without a question or files"] += 1
        elif case.answerable and not any(each.strip() for each in case.answers):
            oddities["answerable cases without answers"] += 1
        else:
            cases.append(case)
    if not cases:
        raise RuntimeError(f"{path.name} has no usable cases.")
    return cases, oddities


def _row(line: str, number: int) -> Any:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("no object")
    filled = {"id": str(number), **{name: value for name, value in row.items() if value is not None}}
    for name in ("files", "answers", "right_file"):
        if isinstance(filled.get(name), str | int | float):
            filled[name] = [filled[name]]
    return filled


class CaseFiles:
    """The files of cases, each indexed once under `home`; `oddities` counts those that could not be."""

    def __init__(self, folder: Path, home: Path, services: Services, oddities: Counter[str]) -> None:
        self._folder, self._home, self._services = folder, home, services
        self._oddities = oddities
        self._refs: dict[str, KnowledgeRef | None] = {}

    def refs(self, names: Sequence[str]) -> tuple[KnowledgeRef, ...]:
        """Those of the files that can be read."""
        return tuple(ref for name in dict.fromkeys(names) if (ref := self._ref(name)))

    def _ref(self, name: str) -> KnowledgeRef | None:
        if name not in self._refs:
            try:
                address = self._indexed(self._folder / name)
                self._refs[name] = KnowledgeRef(file_id=name, name=Path(name).name, segment=address)
            except (FileError, OSError, ValueError) as error:
                self._oddities[f"files not read: {type(error).__name__}"] += 1
                self._refs[name] = None
        return self._refs[name]

    def _indexed(self, path: Path) -> str:
        """The address of the file's segment; what waits for a decision of the owner is accepted."""
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise FileNotFoundError(path)
        segment, was_held = accepted_segment(self._home, path, self._services.embedder)
        self._oddities.update(["files held back, then accepted"] if was_held else [])
        return segment.address


def asked_report(
    path: Path, services: Services, say: Callable[[str], object], written: Path | None = None
) -> dict[str, Any]:
    """The figures of the cases in the file at `path`; `written` gets every answer. Raises RuntimeError."""
    cases, oddities = read_asked(path)
    with TemporaryDirectory(prefix="guildhall-bench-") as folder:
        home = Path(folder)
        index = KnowledgeIndex(home, services.embedder, request_union=lambda name: unions.build(home, name))
        files = CaseFiles(path.parent / "files", home, services, oddities)
        outcomes = list(_outcomes(cases, files, replace(services, index=index), say))
    if not outcomes:
        raise RuntimeError(f"None of the files of {path.name} can be read: {dict(oddities)}.")
    if written:
        write_rows(written, outcomes)
    return asked_figures(outcomes) | {"oddities": dict(oddities)}


def _outcomes(
    cases: Sequence[AskedCase], files: CaseFiles, services: Services, say: Callable[[str], object]
) -> Iterator[AskedOutcome]:
    for number, case in enumerate(cases, 1):
        refs = files.refs(case.files)
        if number % 100 == 0:
            say(f"{number} of {len(cases)}")
        if refs:
            spec = GptSpec(slug="asked", name="Asked", knowledge=refs, only_from_knowledge=True)
            yield _ask(spec, case, AS_WRITTEN, case.question, services)
            yield _ask(spec, case, WITH_TYPOS, with_typos(case.question, case.id), services)


def _ask(spec: GptSpec, case: AskedCase, wording: str, question: str, services: Services) -> AskedOutcome:
    started = perf_counter()
    steps, last = turn(spec, question, services)
    seconds = perf_counter() - started
    passages = (passage.text for step in steps if isinstance(step, Retrieval) for passage in step.passages)
    quotes = tuple(each.quote for each in last.sources)
    return AskedOutcome(
        id=case.id,
        lang=case.lang,
        kind=case.kind,
        wording=wording,
        question=question,
        answerable=case.answerable,
        answer=last.text,
        quotes=quotes,
        passage_found=_any_holds(passages, case),
        answer_contains=_any_holds([last.text], case),
        quote_holds=_any_holds(quotes, case),
        right_file=_is_right_file(spec, case, last, services.index),
        declined=declines(last),
        seconds=seconds,
    )


def _any_holds(texts: Iterable[str], case: AskedCase) -> bool:
    return any(holds(text, answer) for text in texts for answer in case.answers)


def holds(text: str, answer: str) -> bool:
    """Whether `text` contains `answer`; a short word or number as one of its own ("4" is not in "14")."""
    if not _SHORT.search(answer):
        return contains(text, answer)
    bounded = rf"(?<![^\W_]){re.escape(answer.strip().casefold())}(?![^\W_])"
    if re.search(bounded, text.casefold()):
        return True
    return answer.strip().isdecimal() and bool(figures(answer)) and figures_agree(answer, text)


def _is_right_file(spec: GptSpec, case: AskedCase, last: Finished, index: KnowledgeIndex) -> bool | None:
    if not case.answerable or not last.sources:
        return False if case.answerable else None
    name, held = last.sources[0].file_id, [ref for ref in spec.knowledge if ref.file_id == last.sources[0].file_id]
    if case.right_file:
        return name in case.right_file
    return bool(held) and _any_holds((each.text for each in index.whole(held)), case)


def with_typos(question: str, seed: str, n_typos: int = TYPOS) -> str:
    """`question` with this many typos in words of letters, no two in the same word if it has enough of them."""
    draw = random.Random(f"typos {seed}")
    found = [(each.start(), each.end()) for each in _WORD.finditer(question)]
    chosen = draw.sample(found, min(n_typos, len(found)))
    for start, end in sorted(chosen, reverse=True):
        question = question[:start] + _mistyped(question[start:end], draw) + question[end:]
    return question


def _mistyped(word: str, draw: random.Random) -> str:
    """`word` with two letters swapped, or one left out, doubled or replaced by its neighbour on the keyboard."""
    at = draw.randrange(1, len(word) - 1)
    kind = draw.choice(("swap", "drop", "double", "slip"))
    if kind == "swap" and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    row = next((each for each in _KEYS if word[at] in each), "")
    if kind == "slip" and row:
        place = row.index(word[at])
        return word[:at] + row[place - 1 if place else 1] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def asked_figures(outcomes: Sequence[AskedOutcome]) -> dict[str, Any]:
    """Shares in 0..1 for each wording, in all, by language and by kind; `median_s` in seconds.

    `median_characters`: the length of answers that hold the known one.
    """
    lengths = [len(each.answer) for each in outcomes if each.answerable and each.answer_contains]
    written = [each for each in outcomes if each.wording == AS_WRITTEN]
    return {
        "n_answerable": sum(each.answerable for each in written),
        "n_unanswerable": sum(not each.answerable for each in written),
        "all": _by_wording(outcomes, lambda each: ""),
        "by_lang": _by_wording(outcomes, lambda each: each.lang),
        "by_kind": _by_wording(outcomes, lambda each: each.kind),
        "median_s": median(each.seconds for each in outcomes),
        "median_characters": median(lengths) if lengths else None,
    }


def _by_wording(outcomes: Sequence[AskedOutcome], key: Callable[[AskedOutcome], str]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[AskedOutcome]] = {}
    for each in sorted(outcomes, key=lambda each: (key(each), each.wording == WITH_TYPOS)):
        groups.setdefault(f"{key(each)} {each.wording}".strip(), []).append(each)
    return {name: _shares(group) for name, group in groups.items()}


def _shares(group: Sequence[AskedOutcome]) -> dict[str, float | int | None]:
    asked = [each for each in group if each.answerable]
    others = [each for each in group if not each.answerable]
    return {
        "questions": len(group),
        "passage_found": share(each.passage_found for each in asked),
        "answer_contains": share(each.answer_contains for each in asked),
        "quote_holds": share(each.quote_holds for each in asked),
        "right_file": share(bool(each.right_file) for each in asked),
        "wrongly_declined": share(each.declined for each in asked),
        "rightly_declined": share(each.declined for each in others),
    }
