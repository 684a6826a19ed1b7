"""Source code, settings and XML: lines with their indentation, each definition under its name.

Blocks end where definitions begin, so that a passage holds a whole function and a citation names it. Names are found
by line patterns that many languages share, not by a parser per language.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.outline import Outline, text_of
from workers.knowledge.parsers.records import without_data

_MAX_LINE_CHARS: Final = 1_000
# Longer lines are data or minified; matching takes time quadratic in a line's length.
_MAX_DEFINITION_CHARS: Final = 240
_BLOCK_CHARS: Final = 1_200
_CUT_AT: Final = re.compile(r"[;,}>]|\s")
_TABLE: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_DEFINITIONS: Final = tuple(
    re.compile(r"[ \t]*" + each.replace("MODIFIERS", _TABLE["modifiers"])) for each in _TABLE["definitions"]
)
_C_FUNCTION: Final = re.compile(_TABLE["c_function"])
_NAME_QUOTES: Final = '"`[]: '
_YAML_KEY: Final = re.compile(r"(?P<name>[A-Za-z_][\w.-]*):(?:\s|$)")
_ABOVE: Final = re.compile(r"\s*(?:@|#\[|//|/\*|\*|#|--|\"\"\"|$)")


def parse(data: bytes) -> Document:
    """The lines of a source file."""
    outline = Outline(marks_headings=False)
    lines = re.split(r"\r\n|[\r\n\f]", without_data(text_of(data, outline)))
    if any(len(line) > _MAX_LINE_CHARS for line in lines):
        outline.notice(f"Lines longer than {_MAX_LINE_CHARS:,} characters were split.")
        lines = [piece for line in lines for piece in _pieces(line)]
    for level, name, section in _sections(lines):
        if name:
            outline.heading(name, level)
        for block in _blocks(section):
            outline.lines(block)
    return outline.document()


def _pieces(line: str) -> Iterator[str]:
    """`line` in pieces of bounded length, cut after a separator or space if there is one."""
    start = 0
    while len(line) - start > _MAX_LINE_CHARS:
        end = start + _MAX_LINE_CHARS
        cuts = [found.end() for found in _CUT_AT.finditer(line, start + _MAX_LINE_CHARS // 2, end)]
        end = cuts[-1] if cuts else end
        yield line[start:end]
        start = end
    yield line[start:]


def _sections(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """(level, name, lines) for each definition, and for the lines before the first, whose name is ""."""
    names = list(_definitions(lines))
    keys = [(n, 0, found["name"]) for n, line in enumerate(lines) if (found := _YAML_KEY.match(line))]
    if not names and len(keys) > 1:
        names = keys
    start, level, name = 0, 1, ""
    for number, indent, found_name in names:
        begin = _with_above(lines, number, start)
        if begin > start or name:
            yield level, name, lines[start:begin]
        start, level, name = begin, 2 if indent else 1, found_name
    yield level, name, lines[start:]


def _definitions(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """(line number, indent, name) of the definitions at the top level and one level below."""
    widths: set[int] = set()
    for number, line in enumerate(lines):
        if not line or len(line) > _MAX_DEFINITION_CHARS or (line[0] in "#/*}-" and not line.startswith("#[")):
            continue
        found = next((hit for pattern in _DEFINITIONS if (hit := pattern.match(line))), None)
        if found is None:
            found = _C_FUNCTION.match(line) if line[0] not in " \t" and "(" in line else None
        if found is None or found["name"] in _TABLE["no_names"]:
            continue
        indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        widths.add(indent)
        inner = min((width for width in widths if width), default=0)
        if indent in (0, inner) and indent <= 8:
            yield number, indent, found["name"].strip(_NAME_QUOTES)


def _with_above(lines: list[str], number: int, floor: int) -> int:
    """The first line of the definition at `number`, including comments and decorators right above it."""
    begin = number
    while begin > floor and lines[begin - 1].strip() and _ABOVE.match(lines[begin - 1]):
        begin -= 1
    return begin


def _blocks(lines: list[str]) -> Iterator[str]:
    """`lines` in blocks of bounded length, cut at blank lines if possible."""
    block: list[str] = []
    n_chars = 0
    for line in lines:
        if n_chars > _BLOCK_CHARS or (n_chars > _BLOCK_CHARS // 2 and not line.strip()):
            yield "\n".join(block)
            block, n_chars = [], 0
        block.append(line)
        n_chars += len(line)
    yield "\n".join(block)
