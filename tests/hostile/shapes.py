"""Texts that strangers write to keep patterns and loops busy: short pieces, many times."""

import re
import re._constants as op
import re._parser as parser
from collections.abc import Iterable, Iterator
from typing import Any

SHAPES = (
    *(
        "a",
        "A ",
        " ",
        "\n",
        "1",
        ".",
        "/",
        "-",
        "=",
        "a a a ",
        "1,1,1,",
        "1 1.",
        "a.a-a_",
        "\u0301",
        "\u202eא a",
        "中",
    ),
    *(
        "http://",
        "https://a.",
        "a@a.",
        "[](",
        "((",
        "[",
        "{",
        "{{",
        "<",
        "<a ",
        "</",
        "<!--",
        "&amp;",
        "%41",
        "\\",
        '"',
    ),
    *(
        "| ",
        "|-",
        "=1+1",
        "12345678901234567890 ",
        "`",
        "```\n",
        "- ",
        "# a\n",
        "**a",
        "$",
        "\\(",
        "'",
        "“",
        "\u200b",
        "a: ",
    ),
)
_REPEATS = (0, 1, 2)
_BRANCHES = (0, 1, 2, 3)


def text_of(shape: str, n_chars: int) -> str:
    """The shape again and again, in vain: what ends the text fits nothing."""
    return (shape * (n_chars // len(shape) + 1))[:n_chars] + "\x00"


def shapes_against(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str]]:
    """Texts made for one pattern, as (once, again and again): pieces of what it matches, and characters."""
    text = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    parsed = parser.parse(text, pattern.flags)
    samples = {_sample(parsed, {}, n, branch) for n in _REPEATS for branch in _BRANCHES}
    found: dict[tuple[str, str], None] = {}
    for sample in sorted(samples):
        for end in {1, 2, len(sample) // 4, len(sample) // 2, len(sample) * 3 // 4, len(sample) - 1, len(sample)}:
            if piece := sample[:end]:
                found[("", piece)] = found[(piece[:-1], piece[-1])] = None
    yield from found


def _sample(parsed: Iterable[tuple[Any, Any]], groups: dict[int, str], n: int, branch: int) -> str:
    """A text that fits the pattern, or nearly: looks ahead and behind are not all heeded."""
    made = ""
    for kind, value in parsed:
        if kind is op.LITERAL:
            made += chr(value)
        elif kind is op.NOT_LITERAL or kind is op.ANY:
            made += "a" if kind is op.ANY or chr(value) != "a" else "b"
        elif kind is op.IN:
            made += _member(value)
        elif kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            least, most, repeated = value
            made += _sample(repeated, groups, n, branch) * min(max(least, n), most, 80)
        elif kind is op.SUBPATTERN:
            groups[value[0] or 0] = part = _sample(value[3], groups, n, branch)
            made += part
        elif kind is op.ATOMIC_GROUP:
            made += _sample(value, groups, n, branch)
        elif kind is op.BRANCH:
            made += _sample(value[1][branch % len(value[1])], groups, n, branch)
        elif kind is op.GROUPREF:
            made += groups.get(value, "")
        elif kind is op.ASSERT and value[0] < 0:
            made += _sample(value[1], groups, n, branch)
    return made


def _member(items: list[tuple[Any, Any]]) -> str:
    """A character of a class like [^a-z]."""
    if items[0][0] is op.NEGATE:
        return next((char for char in 'aA1 ,\n"<|é中' if not _is_in(char, items[1:])), "\x01")
    kind, value = items[0]
    if kind is op.CATEGORY:
        return next(char for char in "1 a,\n" if _is_in(char, items[:1]))
    return chr(value if kind is op.LITERAL else value[0])


def _is_in(char: str, items: list[tuple[Any, Any]]) -> bool:
    code = ord(char)
    tests = {
        op.CATEGORY_DIGIT: char.isdigit(),
        op.CATEGORY_NOT_DIGIT: not char.isdigit(),
        op.CATEGORY_SPACE: char.isspace(),
        op.CATEGORY_NOT_SPACE: not char.isspace(),
        op.CATEGORY_WORD: char.isalnum(),
        op.CATEGORY_NOT_WORD: not char.isalnum(),
    }
    return any(
        tests[value] if kind is op.CATEGORY else code == value if kind is op.LITERAL else value[0] <= code <= value[1]
        for kind, value in items
    )
