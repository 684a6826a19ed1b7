"""JSON and JSON Lines: every value on a line with the keys that lead to it; lists of similar objects become tables.

Values are decoded one at a time, so that a truncated file is read up to the break and a list of a million records is
never held in memory as objects.
"""

import json
import re
from collections.abc import Generator, Iterator
from itertools import chain, islice
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final

from gpts.knowledge.documents import Document
from workers.isolation.errors import TooLarge
from workers.knowledge.parsers.outline import Outline, flat, text_of
from workers.knowledge.parsers.records import add_record, add_rows, without_data
from workers.knowledge.text_types import JSONL, text_type

_SPACE: Final = re.compile(r"[\s,]*")
_DECODER: Final = JSONDecoder(strict=False)
# Objects nested deeper than this get paths instead of headings.
_MAX_HEADINGS: Final = 3
_MAX_DEPTH: Final = 60
_BATCH: Final = 200
_MAX_COLUMNS: Final = 30
_NAMES: Final = ("title", "name", "label", "question", "id")
_DEEP: Final = "The JSON is nested too deeply. Flatten it and upload it again."
_FAULT: Final = "The JSON is malformed near line {line:,}. The faulty part was read as text."
# Where a list or an object may go on after a fault.
_NEXT_ELEMENT: Final = re.compile(r"[,\n][^\S\n]*+(?=[{\[])")
_NEXT_MEMBER: Final = re.compile(r'[,\n][^\S\n]*+(?="(?:[^"\\\n]|\\.){1,200}"\s*:)')
_MAX_FAULTS: Final = 100
_MAX_FAULTY_CHARS: Final = 100_000


def parse(data: bytes) -> Document:
    """The values in a JSON or JSON Lines file."""
    outline = Outline(marks_headings=False)
    text = text_of(data, outline)
    start = len(text) - len(text.lstrip())
    try:
        if text_type(text) == JSONL:
            _add_json_lines(outline, text)
        elif text[start : start + 1] == "[":
            _add_list(outline, _elements(outline, text, start + 1), 1)
        elif text[start : start + 1] == "{":
            _add_members(outline, _members(outline, text, start + 1), 1)
        if not outline.blocks:
            outline.lines(text)
    except RecursionError:
        raise TooLarge(_DEEP) from None
    return outline.document()


def _add_json_lines(outline: Outline, text: str) -> None:
    broken: list[str] = []
    _add_list(outline, _json_lines(text, broken), 1)
    if broken:
        outline.notice(f"Lines that aren't valid JSON: {len(broken):,}. They were read as text.")
    for line in broken:
        outline.lines(line)


def _json_lines(text: str, broken: list[str]) -> Iterator[Any]:
    """The values of the lines; invalid lines go to `broken`."""
    for line in re.finditer(r"[^\n]+", text):
        if not line.group().strip():
            continue
        try:
            yield _DECODER.decode(line.group())
        except JSONDecodeError:
            broken.append(line.group()[:10_000])


def _elements(outline: Outline, text: str, place: int) -> Generator[Any, None, int]:
    """The elements of the array that begins before `place`; faulty ones become text. Returns where it ends."""
    n_faults = 0
    while place < len(text):
        place = _skip(text, place)
        if text[place : place + 1] == "]":
            return place + 1
        try:
            value, place = _DECODER.raw_decode(text, place)
        except JSONDecodeError as error:
            n_faults += 1
            place = _after_fault(outline, text, place, error.pos, _NEXT_ELEMENT if n_faults < _MAX_FAULTS else None)
            continue
        yield value
    return place


def _members(outline: Outline, text: str, place: int) -> Generator[tuple[str, Any], None, int]:
    """The keys and values of the object that begins before `place`, as in `_elements`."""
    n_faults = 0
    while place < len(text):
        place = _skip(text, place)
        if text[place : place + 1] == "}":
            return place + 1
        start = place
        try:
            key, place = _DECODER.raw_decode(text, place)
            place = _skip(text, place)
            if text[place : place + 1] != ":" or not isinstance(key, str):
                raise JSONDecodeError("", text, place)
            place = _skip(text, place + 1)
            value, after = _DECODER.raw_decode(text, place)
        except JSONDecodeError as error:
            n_faults += 1
            if text[place : place + 1] == "[" and n_faults < _MAX_FAULTS:
                values, place = _collected(_elements(outline, text, place + 1))
                yield key, values
                continue
            place = _after_fault(outline, text, start, error.pos, _NEXT_MEMBER if n_faults < _MAX_FAULTS else None)
            continue
        place = after
        yield key, value
    return place


def _collected(elements: Generator[Any, None, int]) -> tuple[list[Any], int]:
    """The elements of an array, and where it ends."""
    values = []
    while True:
        try:
            values.append(next(elements))
        except StopIteration as end:
            return values, end.value


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _after_fault(outline: Outline, text: str, start: int, fault: int, following: re.Pattern[str] | None) -> int:
    """Add the value at `start`, faulty at `fault`, as text; the place where reading can go on."""
    found = following.search(text, fault) if following else None
    end = found.end() if found else len(text)
    outline.lines(without_data(text[start : min(end, start + _MAX_FAULTY_CHARS)]).rstrip(", \n\t}]"))
    outline.notice(_FAULT.format(line=text.count("\n", 0, fault) + 1))
    return end


def _add_members(outline: Outline, members: Iterator[tuple[str, Any]], level: int) -> None:
    """Add an object: plain values as lines, nested ones under their keys as headings."""
    plain: list[str] = []
    for key, value in members:
        if _is_plain(value) or level > _MAX_HEADINGS:
            plain += _lines(key, value)
            continue
        add_record(outline, plain)
        plain = []
        if value:
            outline.heading(flat(key)[:120] or "(no name)", level)
            if isinstance(value, dict):
                _add_members(outline, iter(value.items()), level + 1)
            else:
                _add_list(outline, iter(value), level + 1)
            outline.close(level)
    add_record(outline, plain)


def _add_list(outline: Outline, values: Iterator[Any], level: int) -> None:
    """Add an array: a table if its elements are flat objects of similar shape, else a record for each."""
    sample = list(islice(values, _BATCH))
    columns = _columns(sample)
    if columns:
        rows = ([_cell(value, name) for name in columns] for value in chain(sample, values))
        add_rows(outline, columns, rows)
        return
    for value in chain(sample, values):
        if isinstance(value, dict):
            _add_object(outline, value, level)
        elif isinstance(value, list):
            add_record(outline, _lines("", value))
        else:
            outline.lines(f"- {_as_text(value)}")


def _add_object(outline: Outline, value: dict[str, Any], level: int) -> None:
    """Add a record of a list, under its name if it is long."""
    name = next((str(value[key]) for key in _NAMES if isinstance(value.get(key), str | int)), "")
    is_long = name and level <= _MAX_HEADINGS and len(name) <= 120 and len(json.dumps(value, default=str)) > 600
    if is_long:
        outline.heading(name, level)
    add_record(outline, chain.from_iterable(_lines(key, inner) for key, inner in value.items()))
    if is_long:
        outline.close(level)


def _columns(sample: list[Any]) -> list[str]:
    """The keys of flat objects, as columns in the order seen; empty if the values don't form a table."""
    if len(sample) < 2 or not all(isinstance(value, dict) for value in sample):
        return []
    names = list(dict.fromkeys(key for value in sample for key in value))
    if not names or len(names) > _MAX_COLUMNS:
        return []
    n_filled = sum(map(len, sample))
    is_flat = all(_is_plain(inner) for value in sample for inner in value.values())
    return names if is_flat and n_filled >= 0.6 * len(names) * len(sample) else []


def _cell(value: Any, name: str) -> str:
    """The text of `value` in the column `name`; records after the sample may have any shape."""
    if not isinstance(value, dict):
        return ""
    inner = value.get(name)
    return (
        "" if inner is None else "; ".join(_lines("", inner)) if isinstance(inner, dict | list) else _as_text(inner)
    )


def _is_plain(value: Any) -> bool:
    """Whether `value` is a single value or a short list of them."""
    if isinstance(value, list):
        return all(not isinstance(each, dict | list) for each in value) and len(value) <= 20
    return not isinstance(value, dict) or not value


def _lines(key: str, value: Any) -> Iterator[str]:
    """A line "path: value" for each value inside `value`, where the path is the keys that lead to it."""
    pending = [(key, value, 0)]
    while pending:
        path, value, depth = pending.pop()
        if isinstance(value, dict) and value and depth < _MAX_DEPTH:
            prefix = f"{path}." if path else ""
            pending += [(prefix + name, inner, depth + 1) for name, inner in reversed(value.items())]
        elif isinstance(value, list) and not _is_plain(value) and depth < _MAX_DEPTH:
            pending += [(f"{path}[{n}]", each, depth + 1) for n, each in reversed(list(enumerate(value, 1)))]
        else:
            text = (
                ", ".join(map(_as_text, value)) if isinstance(value, list) and _is_plain(value) else _as_text(value)
            )
            yield f"{path}: {text}" if path else text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return flat(without_data(value))
    return json.dumps(value, ensure_ascii=False)
