"""Tool results that are too long for the model: a cut at a whole row, and what was cut in words."""

import json
from hashlib import sha256
from typing import Any, Final

from gpts.knowledge.cut_tables import MAX_COLUMNS, columns, cut_line, no_row
from gpts.knowledge.tables import cells, is_rule
from gpts.runs.state import CHARS_PER_TOKEN, TurnState
from gpts.runs.steps import ModelReply, ToolResult
from workers.knowledge import text_types

# The share of the context for the results of a turn, of which each call may fill a quarter of what is left.
_TURN_SHARE: Final = 0.5
_CALL_SHARE: Final = 0.25
_MIN_CHARS: Final = 3_000
# The context of a model whose call was logged without it.
_UNKNOWN_TOKENS: Final = 16_384
PREFIX: Final = "result-"
# What the line about a cut takes beside the room, so that what `read_more` returns is not cut again.
MARK_CHARS: Final = 260
_ENDINGS: Final = {text_types.JSON: "json", text_types.JSONL: "jsonl", text_types.CSV: "csv"}


def room(turn: TurnState) -> int:
    """The characters that the model reads of the next result, by the context of the model that called."""
    contexts = [step.context_tokens for step in turn.steps if isinstance(step, ModelReply) and step.context_tokens]
    context = contexts[-1] if contexts else _UNKNOWN_TOKENS
    used = sum(len(step.text) for step in turn.steps if isinstance(step, ToolResult))
    left = _TURN_SHARE * context * CHARS_PER_TOKEN - used
    return max(_MIN_CHARS, int(_CALL_SHARE * left))


def file_name(text: str) -> str:
    """The name of the file that keeps the whole result, the same for the same text."""
    ending = "json" if _parsed(text) is not None else _ENDINGS.get(text_types.text_type(text), "txt")
    return f"{PREFIX}{sha256(text.encode('utf-8', 'replace')).hexdigest()[:10]}.{ending}"


def shortened(text: str, most: int, file: str, offset: int = 1) -> str:
    """The rows of `text` from `offset` on that fit in `most` characters, and a line that says what is missing.

    The whole is in `file`. Raises IndexError if there is no such row.
    """
    value = _parsed(text)
    kept, rows = _rows(value, most, offset) if value is not None else _lines(text, most, offset)
    return f"{kept}\n{cut_line(len(kept), len(text), rows, file)}"


def _parsed(text: str) -> list[Any] | dict[str, Any] | None:
    """The array or object that `text` is, if it is one."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None


def _rows(value: list[Any] | dict[str, Any], most: int, offset: int) -> tuple[str, str]:
    """The elements from `offset` on of `value`, or of the longest array in it, one to a line, and which these are."""
    rows, key = value, ""
    if isinstance(value, dict):
        arrays = {name: each for name, each in value.items() if isinstance(each, list) and len(each) > 1}
        key = max(arrays, key=lambda name: len(_as_json(arrays[name])), default="")
        rows = arrays.get(key, value)
    elements = [_as_json(row) for row in rows] if isinstance(rows, list) else _fields(rows)
    head = ""
    if key and isinstance(value, dict):
        head = _as_json({name: each for name, each in value.items() if name != key})
        head = f"{head}\n{key}:\n" if len(head) < most / 2 else f"{key}:\n"
    fields = [*dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row)]
    if fields and isinstance(rows, list):
        values = ([row.get(name) for name in fields[:MAX_COLUMNS]] for row in rows if isinstance(row, dict))
        described = columns(fields, values)
        head += f"{described}\n" if len(described) < most / 4 else ""
    following = _from(elements, offset)
    n = _n_fitting(following, most - len(head))
    if not n:
        return (head + following[0])[:most], f", element {offset:,} of {len(elements):,} in part"
    word = "elements" if isinstance(rows, list) else "fields"
    return head + "\n".join(following[:n]), f", {word} {offset:,}-{offset + n - 1:,} of {len(elements):,}"


def _fields(value: dict[str, Any]) -> list[str]:
    return [f"{_as_json(name)}: {_as_json(each)}" for name, each in value.items()]


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(text: str, most: int, offset: int) -> tuple[str, str]:
    """The lines from `offset` on, and which these are; a table's header is repeated and is no row."""
    lines = text.splitlines()
    is_markdown = len(lines) > 1 and "|" in lines[0] and is_rule(lines[1])
    mark = "" if is_markdown else text_types.delimiter(text)
    n_head = 2 if is_markdown else int(bool(mark))
    head, rows, word = lines[:n_head], lines[n_head:], "rows" if n_head else "lines"
    if head and offset == 1:
        split = (row.split(mark) if mark else cells(row) for row in (head[0], *rows))
        names, *values = ([cell.strip(' "') for cell in row] for row in split)
        described = columns(names, values)
        head = [described, *head] if len(described) < most / 4 else head
    following = _from(rows, offset)
    n = _n_fitting(following, most - sum(len(line) + 1 for line in head))
    if not n:
        return "\n".join([*head, following[0]])[:most], f", {word[:-1]} {offset:,} of {len(rows):,} in part"
    return "\n".join([*head, *following[:n]]), f", {word} {offset:,}-{offset + n - 1:,} of {len(rows):,}"


def _from(rows: list[str], offset: int) -> list[str]:
    if not 1 <= offset <= len(rows):
        raise no_row(offset, len(rows))
    return rows[offset - 1 :]


def _n_fitting(rows: list[str], most: int) -> int:
    """How many of the first `rows` fit."""
    for number, row in enumerate(rows):
        most -= len(row) + 1
        if most < 0:
            return number
    return len(rows)
