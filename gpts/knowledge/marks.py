"""What a model reads of a file beside its stored text: marks of headings, code and tables, and of what was removed.

They are inserted when a text goes into a prompt. Search, quotes and the offsets of citations know the stored text
alone, so that nobody can find or quote a mark.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from gpts.knowledge.tables import is_header, is_row, rule_below
from gpts.values import Value

_FENCE: Final = "```"
# What screening takes out of a text, as its mark names it.
_KINDS: Final = {
    "invisible_text": "hidden text",
    "hidden_characters": "hidden characters",
    "speaks_to_model": "text addressed to AI models",
}


class Mark(Value):
    """`before` and `after` stand around the characters `start` to `end` of a text; at one place if they are equal."""

    start: int
    end: int
    before: str
    after: str = ""

    def moved(self, n_chars: int) -> "Mark":
        """The mark this many characters later."""
        return self.model_copy(update={"start": self.start + n_chars, "end": self.end + n_chars})

    def within(self, start: int, end: int) -> "Mark | None":
        """The mark as far as it is in a part of the text."""
        if self.start == self.end:
            return self if start <= self.start <= end else None
        inside = max(self.start, start), min(self.end, end)
        return self.model_copy(update={"start": inside[0], "end": inside[1]}) if inside[0] < inside[1] else None


def marks_within(marks: Iterable[Mark], start: int, end: int) -> tuple[Mark, ...]:
    """Those of `marks` that a part of the text has, as far as they are in it."""
    return tuple(inside for mark in marks if (inside := mark.within(start, end)))


def removal(what: str) -> str:
    """What a model reads in place of something that was removed."""
    return f"[removed: {what}]"


def removed(what: str, at: int) -> Mark:
    """The mark of something that was removed there."""
    return Mark(start=at, end=at, before=removal(what))


def removed_below(what: str, at: int) -> Mark:
    """The mark, below a block that ends at `at`, of a block that was removed."""
    return Mark(start=at, end=at, before=f"\n\n{removal(what)}")


def removed_above(what: str) -> Mark:
    """The same above a block."""
    return Mark(start=0, end=0, before=f"{removal(what)}\n\n")


def removed_finding(kind: str) -> str:
    """What a finding of this kind is called where it was removed."""
    return _KINDS.get(kind, "text")


def with_marks(text: str, marks: Sequence[Mark], start: int = 0) -> str:
    """The `text`, which begins at `start` of a document, as a model reads it; each table is one, with a rule."""
    inserted = [(mark.end, 0, mark.after) for mark in marks if mark.after]
    inserted += [(mark.start, 1, mark.before) for mark in marks]
    pieces, at = list[str](), 0
    for place, _, mark in sorted(inserted, key=lambda each: each[:2]):
        pieces += [text[at : place - start], mark]
        at = max(at, place - start)
    return "\n\n".join(_tables_joined("".join([*pieces, text[at:]]).split("\n\n")))


def _tables_joined(blocks: Iterable[str]) -> Iterable[str]:
    """The blocks with a rule below the header of a table, which the groups of its rows do not repeat."""
    table: list[str] = []
    is_code = False
    for block in blocks:
        lines = block.split("\n")
        is_code ^= block.count(_FENCE) % 2 == 1
        if is_code or not all(map(is_row, lines)) or len(lines) < 2:
            yield from _as_block(table)
            table = []
            yield block
        elif table and lines[0] == table[0]:
            table += lines[1:]
        else:
            yield from _as_block(table)
            table = [lines[0], rule_below(lines[0]), *lines[1:]] if is_header(*lines[:2]) else lines
    yield from _as_block(table)


def _as_block(lines: list[str]) -> Iterable[str]:
    return ["\n".join(lines)] if lines else []
