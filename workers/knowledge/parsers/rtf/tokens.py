"""Reads RTF as runs of text with their formatting: groups, charsets of fonts, escapes and destinations.

striprtf doesn't tell hidden or deleted text from other text. Nothing recurses, so that a file of a million braces
takes linear time.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from workers.knowledge.parsers.colours import is_squeezed

_TOKEN: Final = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.S
)
_BREAKS: Final = frozenset(["par", "sect", "page", "column", "cell", "row"])
_TABLE: Final = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
_LETTERS: Final = frozenset(["charscalex", "expnd", "expndtw", "up", "dn"])
_PLACES: Final = frozenset(["li", "lin", "fi", "sl", "posnegx", "posx"])
# In twips: no height for letters, and beyond any page. Letters are raised by half points.
_LOW, _FAR, _MOST_RAISED = 40, 28_000, 1_000
_SYMBOLS: Final[dict[str, str]] = _TABLE["symbols"]
_ESCAPED: Final = {"~": "\u00a0", "_": "-", "\n": "\n", "\r": "\n", "\\": "\\", "{": "{", "}": "}"}
_SKIPPED: Final = frozenset(_TABLE["skipped"])
_STARRED_TEXT: Final = frozenset(_TABLE["starred_text"])
_CHARSETS: Final[dict[int, str]] = {int(number): charset for number, charset in _TABLE["charsets"].items()}


@dataclass(frozen=True, slots=True)
class GroupState:
    """The formatting and destination of text in a group; colours are indexes of the file's colour table."""

    skipped: bool = False
    is_hidden: bool = False
    is_deleted: bool = False
    is_comment: bool = False
    is_note: bool = False
    half_points: int = 24
    colour: int = 0
    background: int = 0
    font: int = 0
    # The number of characters after each \u that replace it in old readers.
    n_standins: int = 1
    style: int = 0
    outline_level: int = -1
    list_id: int = 0
    in_table: bool = False
    # Letters are squeezed together or raised off the page; lines have no height or are off the page.
    is_unreadable: bool = False
    is_away: bool = False


PLAIN: Final = GroupState()


@dataclass(frozen=True, slots=True)
class TextRun:
    """Text of one group state, or without text the end of a paragraph, cell or row ("par", "cell", "row")."""

    text: str
    state: GroupState
    ends: str = ""


@dataclass(slots=True)
class RtfFile:
    """Reads the tokens of a file; its tables of colours and styles are filled from the header."""

    source: str
    codec: str = "cp1252"
    fonts: dict[int, str] = field(default_factory=dict)
    colours: list[tuple[int, int, int] | None] = field(default_factory=list)
    # The outline level of each heading style, from 1.
    headings: dict[int, int] = field(default_factory=dict)
    title: str = ""
    has_shading: bool = False
    _state: GroupState = PLAIN
    _raw: bytearray = field(default_factory=bytearray)
    _high: int = 0

    def runs(self) -> Iterator[TextRun]:
        """The runs and breaks in reading order."""
        stack: list[GroupState] = []
        starred = False
        n_skip = 0
        place = 0
        while found := _TOKEN.match(self.source, place):
            place = found.end()
            word, number, escape, symbol, brace, text = found.groups()
            if n_skip and (escape or text or symbol):
                if text and len(text) > n_skip:
                    place = found.start() + n_skip
                    n_skip = 0
                    continue
                n_skip = max(0, n_skip - len(text or "x"))
                continue
            if not escape and self._raw:
                yield from self._flushed()
            if brace == "{":
                stack.append(self._state)
            elif brace == "}":
                self._state = stack.pop() if stack else self._state
                n_skip = 0
            elif symbol == "*":
                # The star only counts at the start of a group; some writers put it elsewhere.
                starred = self.source[found.start() - 1] == "{"
                continue
            elif word == "u" and number:
                yield from self._unicode(int(number))
                n_skip = self._state.n_standins
            elif word == "bin" and number:
                place += max(0, int(number))
            elif word:
                yield from self._word(word, int(number) if number else None, starred, found.end())
            elif escape:
                self._raw.append(int(escape, 16))
            elif symbol or text:
                yield from self._plain(symbol, text)
            starred = False
        yield from self._flushed()

    def _plain(self, symbol: str | None, text: str | None) -> Iterator[TextRun]:
        if symbol is not None:
            text = _ESCAPED.get(symbol, "")
        if text and not self._state.skipped:
            decoded = text if text.isascii() else self._decoded(text.encode("latin-1", "replace"))
            yield TextRun(decoded, self._state)

    def _flushed(self) -> Iterator[TextRun]:
        raw, self._raw = bytes(self._raw), bytearray()
        if raw and not self._state.skipped:
            yield TextRun(self._decoded(raw), self._state)

    def _decoded(self, raw: bytes) -> str:
        return raw.decode(self.fonts.get(self._state.font, self.codec), errors="replace")

    def _unicode(self, number: int) -> Iterator[TextRun]:
        """A UTF-16 code unit; beyond the first 65,536 characters, two make one character."""
        number %= 0x10000
        if 0xD800 <= number < 0xDC00:
            self._high = number
        elif not self._state.skipped:
            if 0xDC00 <= number < 0xE000:
                number = 0x10000 + ((self._high - 0xD800) << 10) + number - 0xDC00 if self._high else 0xFFFD
            self._high = 0
            yield TextRun(chr(number), self._state)

    def _word(self, word: str, number: int | None, starred: bool, place: int) -> Iterator[TextRun]:
        state = self._state
        if word in ("fonttbl", "colortbl", "stylesheet", "info") and not state.skipped:
            self._read_table(word, place)
        if word in _SKIPPED or (starred and word not in _STARRED_TEXT and not state.skipped):
            self._state = replace(state, skipped=True)
        elif word in ("footnote", "annotation"):
            self._state = replace(state, is_note=word == "footnote", is_comment=word == "annotation", skipped=False)
        elif word in _BREAKS:
            if not state.skipped:
                yield TextRun("", state, ends="par" if word in ("sect", "page", "column") else word)
        elif word in _SYMBOLS:
            if not state.skipped:
                yield TextRun(_SYMBOLS[word], state)
        else:
            self._state = self._changed(word, number)

    def _changed(self, word: str, number: int | None) -> GroupState:
        """The state after a control word."""
        state, on = self._state, number != 0
        value = number or 0
        if word in ("cb", "highlight", "chcbpat"):
            return replace(state, background=value)
        if word in _LETTERS and on:
            scale = value / 100 if word == "charscalex" else 1.0
            spacing = {"expnd": value / 4, "expndtw": value / 20}.get(word, 0.0)
            is_raised = word in ("up", "dn") and value > _MOST_RAISED
            return replace(state, is_unreadable=is_raised or is_squeezed(scale, spacing, state.half_points / 2))
        if word in _PLACES and on:
            # A negative height of lines is exact.
            return replace(state, is_away=-_LOW <= value < 0 if word == "sl" else abs(value) > _FAR)
        if word in ("clcbpat", "cbpat", "trcbpat"):
            self.has_shading = self.has_shading or value > 0
        changes: dict[str, dict[str, int | bool]] = {
            "v": {"is_hidden": on},
            "webhidden": {"is_hidden": on},
            "deleted": {"is_deleted": on},
            "fs": {"half_points": value if number is not None else 24},
            "cf": {"colour": value},
            "f": {"font": value},
            "uc": {"n_standins": max(0, min(value, 10))},
            "s": {"style": value},
            "outlinelevel": {"outline_level": value},
            "ls": {"list_id": value},
            "intbl": {"in_table": True},
            "pard": {"style": 0, "outline_level": -1, "list_id": 0, "in_table": False, "is_away": False},
            "plain": {
                "is_unreadable": False,
                "is_hidden": False,
                "is_deleted": False,
                "half_points": 24,
                "colour": 0,
                "background": 0,
            },
        }
        if word == "ansicpg" and f"cp{value}" in (f"cp{n}" for n in (*range(1250, 1259), 874, 932, 936, 949, 950)):
            self.codec = f"cp{value}"
        elif word in ("mac", "pc", "pca"):
            self.codec = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
        return replace(state, **changes[word]) if word in changes else state  # type: ignore[arg-type]

    def _read_table(self, name: str, place: int) -> None:
        """Read a table of the header; tables hold at most one level of groups."""
        content = _group(self.source, place)
        if name == "fonttbl":
            for number, charset in re.findall(r"\\f(\d{1,5})[^{};]{0,200}?\\fcharset(\d{1,3})", content):
                if int(charset) in _CHARSETS:
                    self.fonts[int(number)] = _CHARSETS[int(charset)]
        elif name == "colortbl":
            for entry in content.split(";")[:1_000]:
                parts = [re.search(rf"\\{colour}(\d{{1,3}})", entry) for colour in ("red", "green", "blue")]
                rgb = [int(part[1]) for part in parts if part]
                self.colours.append((rgb[0], rgb[1], rgb[2]) if len(rgb) == 3 else None)
        elif name == "stylesheet":
            found = re.findall(r"\\s(\d{1,5})\b[^{};]{0,600}?[ \n](?:heading|Heading|Überschrift) (\d)", content)
            self.headings |= {int(number): int(level) for number, level in found}
        elif title := re.search(r"\{\\title ([^{}\\]{1,300})\}", content):
            self.title = title[1]


def _group(source: str, place: int) -> str:
    """The rest of the group around `place`, at most 200,000 characters."""
    depth = 1
    for found in re.finditer(r"\\.|[{}]", source[place : place + 200_000], re.S):
        depth += {"{": 1, "}": -1}.get(found.group(), 0)
        if depth == 0:
            return source[place : place + found.start()]
    return source[place : place + 200_000]
