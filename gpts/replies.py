"""What a model's raw reply means: the text for the reader and the tool calls in it."""

import json
import re
from typing import Final

from gpts.steps import ToolCall

# The form that Qwen, Hermes and SmolLM templates teach their models.
_CALL: Final = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)


_OPENING: Final = "<tool_call>"


def prose(raw: str, ended: bool) -> str:
    """What of a growing reply is text for the reader: all before its first call.

    Until the reply has `ended`, a tail that may become the beginning of a call is left out.
    """
    text, found, _ = raw.partition(_OPENING)
    if found or ended:
        return text
    tail = next((n for n in range(len(_OPENING) - 1, 0, -1) if raw.endswith(_OPENING[:n])), 0)
    return raw[: len(raw) - tail]


def parse(raw: str, first_call: int) -> tuple[str, tuple[ToolCall, ...]]:
    """The reader's text and the calls of `raw`. Calls are numbered from `first_call`, so ids are stable on a retry.

    A block that is not a JSON object with a name stays in the text: nothing is dropped silently.
    """
    calls: list[ToolCall] = []

    def take(match: re.Match[str]) -> str:
        call = _load(match[1], f"call_{first_call + len(calls)}")
        if call is None:
            return match[0]
        calls.append(call)
        return ""

    return _CALL.sub(take, raw).strip(), tuple(calls)


def _load(text: str, call_id: str) -> ToolCall | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    name, arguments = data.get("name"), data.get("arguments", {})
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return ToolCall(call_id=call_id, name=name, arguments=arguments)
