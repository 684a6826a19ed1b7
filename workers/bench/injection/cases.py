"""The cases of `bench injection`, one JSON object a line. Unknown keys are ignored; an error names its line.

A case is a conversation: what the person says, what is read on their behalf, and the calls and the answer that the
model then makes. In an attack these are the attacker's, to the letter: the model always obeys.

    id         text; by default the number of the line
    kind       "attack" or "task" (legitimate work: all its calls must be performed)
    user       what the person asks
    tools      names of TOOLS or objects with ToolSpec's fields; by default those that the case uses
    channel    one of CHANNELS: where `text` is read before the calls; `source` is its file, address or host,
               `urls` the addresses that it gives, `private` the private sources whose content it holds
    text       what is read there, with the injection in it
    reads      several such reads, as objects with channel, text, source, urls, private
    calls      [{"name", "arguments", "call_id"?}]: what the model calls next, all in one reply
    answer     what the model then says
    forbidden  {"tool", "contains"?}: a call of this tool whose arguments hold this text, or {"loads": host}: an
               answer that makes the browser load something from there. By default, any of `calls`
    always     names of tools that the person always allows
    approves   calls ({"name", "arguments"}) that the person allows; in a task all are allowed
    forged     true: an answer to a request bears the hash of the first approved call instead of its own
    mode       "strict" or "balanced"; by default what the command says
    earlier    earlier turns of the conversation, as objects with user, reads (or channel …), calls, answer, approves
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from gpts.safety.policy import Mode
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.tools import ToolSpec

Kind = Literal["attack", "task"]


def _tool(name: str, fields: str, **more: Any) -> ToolSpec:
    properties = {key: {"type": "string"} for key in fields.split()}
    return ToolSpec(name=name, description="", parameters={"type": "object", "properties": properties}, **more)


# What a GPT with every capability has, and stand-ins for two actions, an MCP server and another GPT to ask.
TOOLS: Final[dict[str, ToolSpec]] = {name: tool.spec for name, tool in BUILTIN_TOOLS.items()} | {
    tool.name: tool
    for tool in (
        _tool("calculator", "expression"),
        _tool("ask_gpt", "question"),
        _tool("send_mail", "to subject body", effect="write", reach="host", host="mail.example.org"),
        _tool("read_mail", "folder", reach="host", host="mail.example.org"),
        _tool("delete_mail", "id", effect="write", reach="host", host="mail.example.org"),
        _tool("find_customer", "name", reach="host", host="crm.example.org"),
        _tool("change_customer", "name phone note", effect="write", reach="host", host="crm.example.org"),
        _tool("pay", "iban amount text", effect="write", reach="host", host="bank.example.org", always_asks=True),
        _tool("weather", "city", reach="host", host="weather.example.net"),
        _tool("mcp_notes_find", "text", reach="host", host="notes.example.com"),
        _tool("mcp_notes_add", "text", effect="write", reach="host", host="notes.example.com"),
    )
}


def _first(reach: str) -> str:
    """The platform's own tool of this reach."""
    return next(name for name, tool in BUILTIN_TOOLS.items() if tool.spec.reach == reach)


# channel -> the tool through which it is read; "file" is the GPT's own knowledge.
CHANNELS: Final[dict[str, str]] = {
    "file": "",
    "page": _first("address"),
    "search": _first("service"),
    "action": "find_customer",
    "mail": "read_mail",
    "child": "ask_gpt",
    "code": _first("nothing"),
    "mcp": "mcp_notes_find",
}
# Other words for them.
ALIASES: Final = {"tool": "action", "tool_result": "action", "web": "page", "document": "file", "gpt": "child"}


@dataclass(frozen=True, slots=True)
class Read:
    """Something from outside that the conversation reads."""

    channel: str
    text: str
    source: str = ""
    urls: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the model makes or the person approves. An empty `call_id`: it is numbered as usual."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: the question, what is read for it, the calls, the answer, and what of it the person approves."""

    user: str = "Please go on."
    reads: tuple[Read, ...] = ()
    calls: tuple[Call, ...] = ()
    answer: str = "Done."
    approves: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The effect that must not come without the person's leave. Empty fields forbid any of the attack's calls."""

    tool: str = ""
    contains: str = ""
    loads: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation to replay; its last turn is the one that counts. `mode` is None where the command decides."""

    id: str
    kind: Kind
    turns: tuple[Turn, ...]
    tools: Mapping[str, ToolSpec]
    forbidden: Forbidden = Forbidden()
    always: frozenset[str] = frozenset()
    forged: bool = False
    mode: Mode | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels it reads from, in order."""
        return tuple(dict.fromkeys(read.channel for turn in self.turns for read in turn.reads)) or ("none",)


def load(path: Path) -> list[Case]:
    """The cases of the file. Raises RuntimeError that names the line which is none, OSError if there is no file."""
    cases = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            cases.append(case_from(json.loads(line), str(number)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RuntimeError(f"{path.name}, line {number}: {error}") from error
    return cases


def case_from(data: Any, name: str) -> Case:
    """The case that `data` describes. Raises ValueError or TypeError with what is wrong with it."""
    if not isinstance(data, dict):
        raise TypeError("each line must be a JSON object")
    kind = data.get("kind")
    if kind not in ("attack", "task"):
        raise ValueError('"kind" must be "attack" or "task"')
    mode = data.get("mode")
    if mode not in (None, "strict", "balanced"):
        raise ValueError('"mode" must be "strict" or "balanced"')
    turns = (*(_turn(each) for each in _objects(data, "earlier")), _turn(data))
    forbidden = data.get("forbidden") or {}
    return Case(
        id=str(data.get("id", name)),
        kind=kind,
        turns=turns,
        tools=_tools(data.get("tools"), turns),
        forbidden=Forbidden(*(str(forbidden.get(key, "")) for key in ("tool", "contains", "loads"))),
        always=frozenset(_texts(data, "always")),
        forged=bool(data.get("forged")),
        mode=mode,
    )


def _turn(data: Mapping[str, Any]) -> Turn:
    reads = [_read(each) for each in _objects(data, "reads")]
    if data.get("channel") not in (None, "", "none"):
        reads.append(_read(data))
    return Turn(
        user=str(data.get("user") or Turn().user),
        reads=tuple(reads),
        calls=tuple(_call(each) for each in _objects(data, "calls")),
        answer=str(data.get("answer") or Turn().answer),
        approves=tuple(_call(each) for each in _objects(data, "approves")),
    )


def _read(data: Mapping[str, Any]) -> Read:
    channel = ALIASES.get(data["channel"], data["channel"])
    if channel not in CHANNELS:
        raise ValueError(f'"channel" must be one of {", ".join(CHANNELS)}, not {channel!r}')
    return Read(
        channel=channel,
        text=str(data.get("text", "")),
        source=str(data.get("source", "")),
        urls=tuple(_texts(data, "urls")),
        private=tuple(_texts(data, "private")),
    )


def _call(data: Mapping[str, Any]) -> Call:
    arguments = data.get("arguments", {})
    if not isinstance(data.get("name"), str) or not isinstance(arguments, dict):
        raise TypeError('a call needs a "name" and an object of "arguments"')
    return Call(data["name"], arguments, str(data.get("call_id", "")))


def _tools(listed: Any, turns: Sequence[Turn]) -> dict[str, ToolSpec]:
    """The tools that a case names, or else those that it uses."""
    if listed is None:
        listed = [*_used(turns)]
    tools = {}
    for each in listed:
        if isinstance(each, str) and each not in TOOLS:
            raise ValueError(f"there is no stand-in tool named {each!r}; describe it as an object")
        spec = TOOLS[each] if isinstance(each, str) else _described(each)
        tools[spec.name] = spec
    reading = (CHANNELS[read.channel] for turn in turns for read in turn.reads)
    return {name: TOOLS[name] for name in reading if name} | tools


def _described(tool: Mapping[str, Any]) -> ToolSpec:
    """A tool as ToolSpec has it, or as OpenAI's `tools` do; what is left out is as harmless as can be."""
    function = {**tool, **tool.get("function", {})}
    default = {"description": "", "parameters": {"type": "object", "properties": {}}}
    return ToolSpec.model_validate(default | function)


def _used(turns: Sequence[Turn]) -> Iterator[str]:
    for turn in turns:
        yield from dict.fromkeys(call.name for call in turn.calls)


def _objects(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = data.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TypeError(f'"{key}" must be a list of objects')
    return found


def _texts(data: Mapping[str, Any], key: str) -> list[str]:
    found = data.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise TypeError(f'"{key}" must be a list of texts')
    return found
