"""Parses a model's raw reply into the text for the reader and the tool calls.

Every engine returns calls in one form, `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, whatever format its
model uses; `read_calls` and `written` convert the other formats.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from gpts.runs.steps import ToolCall

# The form taught by the templates of Qwen, Hermes and SmolLM.
OPENING: Final = "<tool_call>"
CLOSING: Final = "</tool_call>"
# Characters allowed between calls in a list or sequence.
_BETWEEN: Final = " \t\r\n,;"

# Ids of a model server are text of somebody else: what is longer or holds other characters is not used.
_SERVERS_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,46}")


class Written(NamedTuple):
    """A call as the model wrote it, its arguments as a text where it wrote one, with the id of its server if any."""

    name: str
    arguments: dict[str, Any] | str
    call_id: str = ""


class CallIds:
    """Gives calls ids that none of `used` is, those of a conversation so far: the same ones on a retry."""

    def __init__(self, used: Iterable[str] = ()) -> None:
        self._used = set(used)

    def new(self, servers_id: str = "") -> str:
        """The server's id if it can be used, or a new one."""
        call_id, number = servers_id, len(self._used)
        while call_id in self._used or not _SERVERS_ID.fullmatch(call_id):
            call_id, number = f"call_{number}", number + 1
        self._used.add(call_id)
        return call_id


def prose(raw: str, ended: bool) -> str:
    """The reader's part of a growing reply: everything before its first call.

    Until the reply has `ended`, a tail that may become the start of a call is withheld.
    """
    text, found, _ = raw.partition(OPENING)
    if found or ended:
        return text
    tail = next((n for n in range(len(OPENING) - 1, 0, -1) if raw.endswith(OPENING[:n])), 0)
    return raw[: len(raw) - tail]


def parse(raw: str, used_ids: Iterable[str] = ()) -> tuple[str, tuple[ToolCall, ...]]:
    """The reader's text and the calls of `raw`, with ids of which none is among `used_ids`.

    A block that is not a JSON object with a name stays in the text: nothing is dropped silently. A block without its
    closing tag is not a call, so a truncated reply can never start one.
    """
    text, at = "", 0
    ids, calls = CallIds(used_ids), list[ToolCall]()
    while (opened := raw.find(OPENING, at)) >= 0:
        text += raw[at:opened]
        block = _block(raw, opened + len(OPENING))
        if block is None:
            text += OPENING
            at = opened + len(OPENING)
        else:
            written_call, at = block
            calls.append(_made(ids.new(written_call.call_id), written_call.name, written_call.arguments))
    return (text + raw[at:]).strip(), tuple(calls)


def is_open(raw: str) -> bool:
    """Whether `raw` ends within a call."""
    return OPENING in parse(raw)[0]


def _made(call_id: str, name: str, arguments: dict[str, Any] | str) -> ToolCall:
    if isinstance(arguments, dict):
        return ToolCall(call_id=call_id, name=name, arguments=arguments)
    text = arguments.strip() or "{}"
    value, end = json_at(text, 0)
    if isinstance(value, dict) and end == len(text):
        return ToolCall(call_id=call_id, name=name, arguments=value)
    whole = arguments if value is None or end < len(text) else value
    return ToolCall(call_id=call_id, name=name, arguments={"arguments": whole}, raw=arguments)


def read_calls(text: str) -> list[Written] | None:
    """The calls in `text`: JSON objects with a name and arguments (or parameters), in sequence or in a list.

    None if it contains anything else, such as a truncated call.
    """
    found: list[Written] = []
    at = 0
    while text[at:].strip(_BETWEEN):
        at += len(text[at:]) - len(text[at:].lstrip(_BETWEEN))
        value, at = json_at(text, at)
        for one in value if isinstance(value, list) else [value]:
            call = _call(one)
            if call is None:
                return None
            found.append(call)
    return found or None


def written(calls: Sequence[Written]) -> str:
    """`calls` in the form that `parse` reads."""
    blocks = (
        {"name": call.name, "arguments": call.arguments} | ({"id": call.call_id} if call.call_id else {})
        for call in calls
    )
    return "".join(OPENING + json.dumps(block, ensure_ascii=False) + CLOSING for block in blocks)


def _block(raw: str, at: int) -> tuple[Written, int] | None:
    """The call whose JSON begins at `at`, and where its block ends; None if it is malformed or not closed."""
    value, end = json_at(raw, at + len(raw[at:]) - len(raw[at:].lstrip()))
    call = _call(value)
    rest = raw[end:].lstrip()
    if call is None or not rest.startswith(CLOSING):
        return None
    return call, len(raw) - len(rest) + len(CLOSING)


def json_at(text: str, at: int) -> tuple[Any, int]:
    """The JSON value at `at` and where it ends; None and the end of the text if there is none."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, len(text)


def _call(value: Any) -> Written | None:
    if not isinstance(value, dict):
        return None
    name, arguments = value.get("name"), value.get("arguments", value.get("parameters", {}))
    if not isinstance(name, str) or not isinstance(arguments, dict | str):
        return None
    call_id = value.get("id")
    return Written(name, arguments, call_id if isinstance(call_id, str) else "")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)
