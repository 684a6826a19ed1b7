"""Plain text: blank lines separate paragraphs; wrapped lines are joined, lists, verse and columns keep theirs."""

import re
from collections import Counter
from typing import Final

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.outline import Outline, text_of

_BLANK: Final = re.compile(r"\n[ \t]*\n\s*")
_ITEM: Final = re.compile(r"\s*(?:[-*+•–]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_TITLE_CHARS: Final = 70
_TITLE: Final = re.compile(r"[A-ZÀ-Þ0-9\u0400-\uffff].*[^\s.!:;,…。！|]")
_NUMBERED_TITLE: Final = re.compile(r"(?:§ ?)?\d{1,3}[.)]? [A-ZÀ-Þ\u0400-\uffff].*[^\s.!:;,…。！|]")
_SENTENCE: Final = re.compile(r"[^a-zß-ÿ|].{20,}")
_WHOLE: Final = re.compile(r"[.!?。！？][\"'”’)]*\s*$")
# A paragraph whose lines, apart from the last, are at least this long was wrapped to a width.
_WRAPPED_CHARS: Final = 45
# Columns begin after a gap at the same place of lines: a wide one in half of them, or one of two spaces in all, as a
# text that is justified has such gaps here and there.
_COLUMNS: Final = ((re.compile(r"(?<=\S) {3,}(?=\S)"), 0.5), (re.compile(r"(?<=\S) {2,}(?=\S)"), 1.0))
# As many lines that all begin with a capital are verse.
_VERSE_LINES: Final = 4
_CODE: Final = re.compile(r"[={};$\\|<>`]|(?:^|\s)--?[a-z]|\w\(|\w/\w|::|\w\.\w+\(")


def parse(data: bytes) -> Document:
    """The document in a text file of any charset."""
    outline = Outline(marks_headings=False)
    add_text(outline, text_of(data, outline))
    return outline.document()


def add_text(outline: Outline, text: str) -> None:
    """Add the paragraphs, lists and titles of a plain text to `outline`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    paragraphs = [
        lines for each in _BLANK.split(text) if (lines := [line for line in each.splitlines() if line.strip()])
    ]
    for number, lines in enumerate(paragraphs):
        following = lines[1:] or (paragraphs[number + 1] if number + 1 < len(paragraphs) else [])
        if _is_title(lines[0], following) or _is_numbered_title(lines):
            outline.heading(lines[0], 1 if lines[0].isupper() else 2)
            lines = lines[1:]
        add_paragraph(outline, lines)


def add_paragraph(outline: Outline, lines: list[str]) -> None:
    """Add a paragraph, re-flowed if its lines are certainly those of wrapped prose."""
    if _is_wrapped(lines):
        outline.text(" ".join(lines))
    else:
        outline.lines("\n".join(_items_joined(lines)))


def _is_title(line: str, following: list[str]) -> bool:
    """Whether `line` is short, without a full stop, and in capitals or followed by whole sentences."""
    if len(line) > _TITLE_CHARS or not _TITLE.fullmatch(line.strip()) or _ITEM.match(line) or not following:
        return False
    return line.isupper() or bool(_WHOLE.search(following[-1]) and _SENTENCE.match(following[0].strip()))


def _is_numbered_title(lines: list[str]) -> bool:
    """Whether the first of `lines` is a title such as "3. Water", with the wrapped text of its section under it."""
    is_title = bool(_NUMBERED_TITLE.fullmatch(lines[0].strip())) and len(lines[0]) <= _TITLE_CHARS
    return is_title and len(lines) > 1 and _is_wrapped(lines[1:]) and bool(_WHOLE.search(lines[-1]))


def _is_wrapped(lines: list[str]) -> bool:
    if len(lines) < 2 or any(_ITEM.match(line) for line in lines):
        return len(lines) < 2
    if len(lines) >= _VERSE_LINES and all(line.strip()[:1].isupper() for line in lines):
        return False
    if sum(map(_is_code, lines)) > len(lines) / 2:
        return False
    if any("\t" in line.strip() for line in lines) or _has_columns(lines):
        return False
    full = sum(len(line.strip()) >= _WRAPPED_CHARS for line in lines[:-1])
    return full >= 0.7 * (len(lines) - 1)


def _has_columns(lines: list[str]) -> bool:
    for gap, share in _COLUMNS:
        starts = Counter(match.end() for line in lines for match in gap.finditer(line))
        if max(starts.values(), default=0) >= max(2, share * len(lines)):
            return True
    return False


def _is_code(line: str) -> bool:
    return bool(_CODE.search(line))


def _items_joined(lines: list[str]) -> list[str]:
    """`lines` with the continuation lines of each list item appended to it."""
    joined: list[str] = []
    for line in lines:
        indented = line[:1] in " \t" and not _ITEM.match(line)
        if joined and indented and _ITEM.match(joined[-1]):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    return joined
