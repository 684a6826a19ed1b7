"""Calls that a model wrote outside its own call format: bare JSON, in a fence, or in another model family's tags.

A model prompted with a foreign template, or a server that does not know its model's format, prints calls as text.
Such a reply is treated as a call if it names a granted tool; it is never shown to the reader.
"""

import re
from collections.abc import Container
from itertools import islice
from typing import Any, Final

from gpts.runs.replies import Written, json_at

# Markers that model families put around a call: Hermes and Qwen, Llama, Mistral, functionary, Granite, Phi, DeepSeek,
# LM Studio.
_TAGS: Final = (
    *("<tool_call>", "</tool_call>", "<tool_calls>", "</tool_calls>", "<tools>", "</tools>", "<function_call>"),
    *("</function_call>", "<functions>", "</functions>", "<|python_tag|>", "<|tool_call|>", "<|/tool_call|>"),
    *("<|tool_calls_begin|>", "<|tool_calls_end|>", "[TOOL_CALLS]", "[TOOL_REQUEST]", "[END_TOOL_REQUEST]"),
    *("functools", "```json", "```xml", "```tool_call", "```"),
)
_TAG: Final = re.compile("|".join(re.escape(tag) for tag in _TAGS))
_NAMED: Final = re.compile(
    r"<function=([a-zA-Z0-9_-]{1,64})>\s*(\{(?:[^}<]++|<(?!function=))*+\})\s*(?:</function>)?"
)
# A line start where a call may begin, and the first key of a call's JSON.
_START: Final = re.compile(r"^[ \t]*(?=[{\[<`f])", re.MULTILINE)
# Enough to tell a call from other text, and more places than a model begins one at.
_LOOK_CHARS: Final = 200
_MOST_STARTS: Final = 50
_KEYS: Final = ("name", "type", "function", "arguments", "parameters")


def bare_calls(text: str, tools: Container[str]) -> tuple[str, list[Written]]:
    """The prose of `text` and the calls that follow it; no calls if there are none.

    JSON with keys other than a call's counts as a call only if its name is one of `tools`.
    """
    for start in islice(filter(_may_become_call, _START.finditer(text)), _MOST_STARTS):
        if calls := _read(text[start.start() :], tools):
            return text[: start.start()], calls
    return text, []


def safe_length(text: str, n_shown: int = 0) -> int:
    """How many characters of a growing reply can be shown: up to where a call may have begun.

    The first `n_shown` are known to be safe, so only the lines from there on are examined: a long reply is not read
    again at every token.
    """
    for start in _START.finditer(text, text.rfind("\n", 0, n_shown) + 1):
        if _may_become_call(start):
            return start.start()
    return len(text)


def _may_become_call(start: re.Match[str]) -> bool:
    """Whether the text from `start`, where a call might begin, may still turn out to be one."""
    text = start.string[start.start() : start.end() + _LOOK_CHARS].lstrip()
    while tag := next((each for each in _TAGS if text.startswith(each)), ""):
        if tag == "```" and text[3:4].strip():  # a fence in another language, or the start of a longer tag
            return any(each.startswith(text) for each in _TAGS)
        text = text.removeprefix(tag).lstrip()
    if any(tag.startswith(text) for tag in _TAGS) or "<function=".startswith(text[:10]):
        return True
    key = re.sub(r"[\s{\[\"']", "", text)[:10] if text[0] in "{[" else "-"
    return any(each.startswith(key) or key.startswith(each) for each in _KEYS)


def _read(text: str, tools: Container[str]) -> list[Written]:
    """The calls with which `text` begins, in any known form; text after them was invented by the model."""
    if named := _NAMED.findall(text[: text.find("\n\n") + 1 or None]):
        return [call for name, raw in named if (call := _call({"name": name, "arguments": raw}, tools))]
    body = _TAG.sub("\n", text).strip()
    if calls := _objects(body, tools):
        return calls
    # Some prompt templates teach models to double the braces.
    return _objects(body.replace("{{", "{").replace("}}", "}"), tools) if body.startswith("{{") else []


def _objects(body: str, tools: Container[str]) -> list[Written]:
    calls: list[Written] = []
    at = 0
    while body[at : at + 1] in ("{", "["):
        value, at = json_at(body, at)
        for one in value if isinstance(value, list) else [value]:
            call = _call(one, tools)
            if call is None:
                return calls
            calls.append(call)
        at += len(body[at:]) - len(body[at:].lstrip(" \t\r\n,;"))
    return calls


def _call(value: Any, tools: Container[str]) -> Written | None:
    """`value` as a call, its arguments possibly JSON text; None if it is not one."""
    if not isinstance(value, dict):
        return None
    value = value["function"] if isinstance(value.get("function"), dict) else value
    name, keys = value.get("name"), set(value)
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = json_at(arguments, 0)[0]
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return (
        Written(name, arguments) if name in tools or keys in ({"name", "arguments"}, {"name", "parameters"}) else None
    )
