"""Files that are too long for the prompt, read in parts: what is read within a budget, and the notes in the prompt.

The model takes notes on one part at a time and writes its answer from the notes of all. The notes on a part are made
from its text and the request alone: no name, conversation or instructions, so they can be kept and used again.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.knowledge.sections import FilePart
from gpts.knowledge.sentences import sentence_spans
from gpts.runs.fixed_replies import fixed_reply
from gpts.runs.intent import SUMMARY
from gpts.runs.messages import PromptMessage
from gpts.runs.state import CHARS_PER_TOKEN, TurnState, room
from gpts.runs.steps import PartNotes

# The longest part, as a share of the model's context and in tokens: of longer texts even large models note less.
PART_SHARE: Final = 0.4
PART_TOKENS: Final = 12_000
# Notes are this many times shorter than their part, but not shorter than a few lines.
SHORTER: Final = 12
LEAST_NOTES_TOKENS: Final = 64
# What one message may read: some 400 pages, or many short files.
MAX_TOKENS: Final = 150_000
MAX_PARTS: Final = 60
# Files that are named in a sentence.
MAX_NAMED: Final = 5
# Words per token, for the length that the prompt asks for.
_WORDS_PER_TOKEN: Final = 0.6

TEXTS: Final[dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class ReadingBudget:
    """The longest part, and all parts that one message may read together, in tokens."""

    part_tokens: int
    total_tokens: int


def reading_budget(state: TurnState) -> ReadingBudget:
    """What a message may read, so that the notes on all of it fit into the prompt, beside files that are there."""
    part = min(PART_TOKENS, int(PART_SHARE * state.ability.context_tokens))
    n_whole = sum(len(file.text) for file in state.whole_files) // CHARS_PER_TOKEN
    return ReadingBudget(part, min(MAX_TOKENS, max(part, SHORTER * (room(state.spec, state.ability) - n_whole))))


def notes_tokens(part: FilePart) -> int:
    """The longest notes on a part, in tokens."""
    return max(LEAST_NOTES_TOKENS, part.n_tokens // SHORTER)


def within(files: Sequence[Sequence[FilePart]], budget: ReadingBudget) -> tuple[tuple[FilePart, ...], ...]:
    """The parts of each of the files that are read: all, or as far from the beginning of each as the budget goes."""
    taken = [0] * len(files)
    left, n_left = budget.total_tokens, MAX_PARTS
    for depth in range(max(map(len, files), default=0)):
        for number, parts in enumerate(files):
            if depth < len(parts):
                left, n_left = left - parts[depth].n_tokens, n_left - 1
                if (left < 0 or n_left < 0) and any(taken):
                    return _first(files, taken)
                taken[number] += 1
    return _first(files, taken)


def _first(files: Sequence[Sequence[FilePart]], taken: Sequence[int]) -> tuple[tuple[FilePart, ...], ...]:
    return tuple(tuple(parts[:n]) for parts, n in zip(files, taken, strict=True))


def notes_request(text: str, wanted: str, n_tokens: int) -> tuple[PromptMessage, ...]:
    """The prompt for notes of at most `n_tokens` on a part; its text comes first, which engines then compute once."""
    content = TEXTS["request"].format(
        text=text,
        wanted=TEXTS["summary"] if wanted == SUMMARY else wanted,
        n_words=int(n_tokens * _WORDS_PER_TOKEN),
        otherwise="" if wanted == SUMMARY else TEXTS["otherwise"],
    )
    rules = PromptMessage(role="system", content=TEXTS["rules"].strip())
    return (rules, PromptMessage(role="user", content=content.strip()))


def read_notes(written: str, *, is_whole: bool) -> str:
    """The notes in a reply, without a sentence that was cut off; empty if the text says nothing on the request."""
    spans = sentence_spans(written)
    end = spans[-2].end if len(spans) > 1 and not is_whole else len(written)
    lines = [line.rstrip() for line in written[:end].strip().splitlines() if line.strip()]
    told = [line for line in lines if line.strip(" -*.").upper() != "NOTHING"]
    return "\n".join(told)


def notes_text(notes: Sequence[PartNotes], unread: str) -> str:
    """The notes of a turn as its prompt has them."""
    told = [f"({each.part}{f', {each.place}' if each.place else ''})\n{each.text}" for each in notes if each.text]
    heading = TEXTS["heading_unread"].format(unread=unread) if unread else TEXTS["heading"]
    heading = heading.strip()
    if not told:
        return f"{heading}\n\n{TEXTS['nothing']}"
    return "\n\n".join([heading, *told, *([TEXTS["others"]] if len(told) < len(notes) else [])])


def place_of(passage: Passage) -> str:
    """The pages of a part in words; empty if its file has none."""
    first, last = passage.page, passage.page_at(passage.end)
    if first is None or last is None:
        return ""
    return f"{passage.unit} {first}" if first == last else f"{passage.unit}s {first}–{last}"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """How far a file was read: to the end of `last`, its last part that was read; None if it was not begun."""

    name: str
    n_chars: int
    n_pages: int
    last: Passage | None

    @property
    def is_whole(self) -> bool:
        """Whether it was read to its end."""
        return self.last is not None and self.last.end >= self.n_chars


def unread(files: Sequence[ReadFile], lang: str) -> str:
    """What of the files was not read, in the language `lang`; empty if nothing."""
    begun = [f"{file.name} ({_reach(file, file.last)})" for file in files if file.last and not file.is_whole]
    others = [file.name for file in files if file.last is None]
    sentences = [
        fixed_reply(lang, name).format(files=_listed(names))
        for name, names in (("partly_read", begun), ("not_read", others))
        if names
    ]
    return " ".join(sentences)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (f", +{len(names) - MAX_NAMED}" if len(names) > MAX_NAMED else "")


def _reach(file: ReadFile, last: Passage) -> str:
    """How far it was read, in figures and its own words: "1–180/412", "45 %, “Care”"."""
    page = last.page_at(last.end)
    if page is not None and file.n_pages:
        return f"1–{page}/{file.n_pages}"
    heading = last.heading_at(last.end).rsplit(" > ", 1)[-1]
    return f"{max(1, 100 * last.end // file.n_chars)} %" + (f", “{heading}”" if heading else "")
