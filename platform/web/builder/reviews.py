"""Texts of outsiders in a GPT's prompts: what the creator has looked at, and what has changed since.

Descriptions of other people's GPTs, tools of MCP servers and Agent Cards tell the model what to do. Each is used as
the creator last saw it; what it says now is used only after another look.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from web.builder.models import DelegateRow, Gpt
from web.builder.models_actions import McpServerRow, RemoteAgentRow

# The texts of a GPT that a model reads in order to choose it.
GPT_TEXTS = ("name", "description", "starters")
CARD_TEXTS = ("name", "url", "description", "examples")


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text that differs from what the creator last saw. Empty: there was none, or there is none any more."""

    what: str
    before: str
    after: str


def changes_of(row: McpServerRow | RemoteAgentRow | DelegateRow) -> list[TextChange]:
    """What the creator has not looked at yet: it is not used."""
    match row:
        case McpServerRow():
            return _changes(_of_tools(row.tools), _of_tools(row.tools if row.offered is None else row.offered))
        case RemoteAgentRow():
            seen = {name: getattr(row, name) for name in CARD_TEXTS}
            return _changes(_of_fields(seen), _of_fields(row.offered or seen))
    return _changes(_of_fields(row.seen), _of_fields(published_texts(row.delegate) or row.seen))


def published_texts(gpt: Gpt) -> dict[str, Any]:
    """The texts of the published version of `gpt` that other GPTs get to read; empty if there is none."""
    data = gpt.published.data if gpt.published else {}
    return {name: data[name] for name in GPT_TEXTS if data.get(name)}


def same_tools(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    """Whether two lists have the same tools, in any order."""
    return not _changes(_of_tools(one), _of_tools(other))


def _of_tools(tools: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {
        tool["name"]: _shown({name: tool[name] for name in tool if name != "name" and tool[name] != ""})
        for tool in tools
    }


def _of_fields(texts: Mapping[str, Any]) -> dict[str, str]:
    return {name: _shown(value) for name, value in texts.items() if value}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[TextChange]:
    names = dict.fromkeys((*before, *after))
    pairs = ((name, before.get(name, ""), after.get(name, "")) for name in names)
    return [TextChange(*each) for each in pairs if each[1] != each[2]]
