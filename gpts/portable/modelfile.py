"""Ollama's Modelfiles: https://docs.ollama.com/modelfile. Instructions in any case and order, on a line or quoted."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from gpts.portable.found import Fields, Found, listed

SOURCE: Final = "Ollama"
_KEYWORDS: Final = (
    "FROM",
    "PARAMETER",
    "TEMPLATE",
    "SYSTEM",
    "ADAPTER",
    "LICENSE",
    "MESSAGE",
    "REQUIRES",
    "RENDERER",
    "PARSER",
)
_LINE: Final = re.compile(rf"^[ \t]*({'|'.join(_KEYWORDS)})[ \t]+(.*)$", re.I)
_QUOTED: Final = ('"""', '"')


def is_modelfile(text: str) -> bool:
    """Whether `text` is a Modelfile: its first instruction that is no comment is one, and it has a FROM."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return (
        bool(lines)
        and bool(_LINE.match(lines[0]))
        and any(line.upper().lstrip().startswith("FROM ") for line in lines)
    )


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Modelfile with their values, without quotes."""
    rest = text.replace("\r\n", "\n")
    while rest:
        line, _, rest = rest.partition("\n")
        found = _LINE.match(line)
        if not found:
            continue
        value = found[2].strip()
        role = ""
        if found[1].upper() == "MESSAGE":
            role, _, value = value.partition(" ")
        quote = next((each for each in _QUOTED if value.startswith(each)), "")
        if quote:
            value, rest = _quoted(value[len(quote) :], rest, quote)
        yield found[1].upper(), f"{role} {value}".strip() if role else value


def _quoted(value: str, rest: str, quote: str) -> tuple[str, str]:
    """A quoted value, up to the first line that ends with the quote, and what follows it."""
    lines = f"{value}\n{rest}".split("\n")
    for n, line in enumerate(lines):
        if line.rstrip().endswith(quote):
            lines[n] = line.rstrip()[: -len(quote)]
            return "\n".join(lines[: n + 1]).strip("\n"), "\n".join(lines[n + 1 :])
    return (value, rest) if quote == '"' else (f"{value}\n{rest}", "")


def read_modelfile(text: str, name: str = "") -> Found:
    """The GPT of a Modelfile; `name` is that of its file, as a Modelfile has none."""
    fields = Fields(SOURCE, name)
    left: list[str] = []
    for keyword, value in instructions(text):
        _take(fields, keyword, value, left)
    if left:
        fields.notes.append(f"Not carried over: {listed(dict.fromkeys(left))}.")
    if not name:
        fields.notes.append("A Modelfile has no name: give the GPT one.")
    return fields.found()


def _take(fields: Fields, keyword: str, value: str, left: list[str]) -> None:
    match keyword:
        case "SYSTEM":
            fields.instructions = value  # the last one counts
        case "FROM":
            fields.notes.append(f"It was made for the model “{value[:80]}”. Choose a model in its settings.")
        case "PARAMETER":
            key, _, given = value.partition(" ")
            _take_parameter(fields, key.lower(), given.strip().strip('"'), left)
        case "MESSAGE":
            left.append("example messages (MESSAGE)")
        case _:
            left.append(keyword)


def _take_parameter(fields: Fields, key: str, given: str, left: list[str]) -> None:
    number: Any = None
    with suppress(ValueError):
        number = float(given.partition("#")[0])
    if key == "temperature" and number is not None:
        fields.temperature = number
    elif key == "num_predict" and number is not None:
        fields.max_tokens = number if number > 0 else None  # -1 and -2 are no limit
    else:
        left.append(f"the parameter {key}")
