"""The cases of the lab's `injection`, one JSON object per line. Unknown keys are ignored; an error names its line.

A case is a conversation: the user's message, what is read for it, and the model's calls and answer. In an attack the
calls are exactly what the injected text demands.

    id         text; by default the line number
    kind       "attack" or "task" (legitimate work: all its calls must be performed)
    user       the user's message
    tools      names of TOOLS or objects with ToolSpec's fields; by default those that the case uses
    channel    one of CHANNELS, through which `text` is read before the calls; `source` is its file, address or host,
               `urls` the addresses in it, `private` the private sources that it contains
    text       what is read there, including the injection
    reads      several such reads, as objects with channel, text, source, urls, private, from_state (code prints what
               it kept of earlier calls, whose label is that of the sandbox's state)
    calls      [{"name", "arguments", "call_id"?}]: the model's next calls, all in one reply
    answer     the model's answer
    forbidden  {"tool", "contains"?}: a call of this tool whose arguments contain this text, or {"loads": host}: an
               answer that makes the browser load something from there. By default, any of `calls`
    always     names of tools that the user always allows
    allowed    the tools in `always` as they were when the user allowed them, as objects with ToolSpec's fields
    door       "page", where the site keeps the conversation (as /api and A2A do), or "v1", where a program sends the
               earlier messages along, as "responses" and "messages" are in other formats; `edited`: its history is
               not what the model answered
    approves   calls ({"name", "arguments"}) that the user allows; in a task all are allowed
    forged     true: approvals carry the hash of the first approved call instead of their own
    mode       "strict" or "balanced"; by default the command's
    earlier    earlier turns of the conversation, as objects with user, reads (or channel …), calls, answer, approves;
               `lost`: the turn failed or was regenerated, so that later turns see nothing of it
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gpts.safety.policy import Mode, still_allowed
from gpts.spec.actions import McpServer, McpTool
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.gpt import GptSpec, RemoteAgent
from gpts.spec.tools import ToolSpec
from workers.egress import EgressConfig
from workers.tools.a2a import tool_spec
from workers.tools.mcp import granted
from workers.tools.settings import ToolSettings


def _tool(name: str, fields: str, **more: Any) -> ToolSpec:
    properties = {key: {"type": "string"} for key in fields.split()}
    return ToolSpec(name=name, description="", parameters={"type": "object", "properties": properties}, **more)


def _others_tools() -> dict[str, ToolSpec]:
    """Tools that outsiders described, made as for a run: of remote agents and an MCP server, and a stranger's GPT."""
    agent = RemoteAgent(
        agent_id="1", name="Travel", card_url="https://travel.example.net", url="https://travel.example.net"
    )
    server = McpServer(
        server_id="1", name="Tasks", url="https://tasks.example.net", tools=(McpTool(name="find_tasks"),)
    )
    mcp = granted(GptSpec(slug="x", name="X", mcp_servers=(server,)), ToolSettings(EgressConfig()))
    agents = {
        "ask_travel": tool_spec("ask_travel", agent),
        "ask_timetable": tool_spec("ask_timetable", agent.model_copy(update={"read_only": True})),
    }
    author = "the description of the GPT Stranger"
    strangers = (
        _tool("ask_stranger", "task", reach="gpt", of_stranger=True, written_by=author),
        _tool("ask_store", "task gpt", reach="gpt", of_stranger=True),
    )
    return agents | {name: tool.spec for name, tool in mcp.items()} | {tool.name: tool for tool in strangers}


# The tools of a GPT with every capability, and stand-ins for two actions, an MCP server and another GPT.
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
TOOLS.update(_others_tools())
# Ways of a text to the model other than through the channels.
WAYS: Final = ("history", "description", "republished", "agent")


def _first(reach: str) -> str:
    """The built-in tool of this reach."""
    return next(name for name, tool in BUILTIN_TOOLS.items() if tool.spec.reach == reach)


# Channel -> the tool that reads it; "file" is the GPT's own knowledge, "attached" a file that the user attached,
# "webhook" what starts a schedule, "mention" the answer of a stranger's GPT in the same chat, "imported" and "shared"
# a chat brought from another service or taken over from another person.
CHANNELS: Final[dict[str, str]] = {
    "file": "",
    "attached": "",
    "page": _first("address"),
    "search": _first("service"),
    "action": "find_customer",
    "mail": "read_mail",
    "child": "ask_gpt",
    "code": _first("nothing"),
    "mcp": "mcp_notes_find",
    "error": "mcp_notes_find",
    **dict.fromkeys(("webhook", "mention", "imported", "shared"), ""),
}
FILES: Final = ("file", "attached")
# Synonyms of channels.
ALIASES: Final = {"tool": "action", "tool_result": "action", "web": "page", "document": "file", "gpt": "child"}


class _CaseModel(BaseModel):
    """A part of a case; null and empty values count as left out."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None and value != ""}


def _channel(name: str) -> str:
    name = ALIASES.get(name, name)
    if name not in CHANNELS:
        raise ValueError(f"must be one of {', '.join(CHANNELS)}, not {name!r}")
    return name


class ReadText(_CaseModel):
    """A text from outside that is read in the conversation."""

    channel: Annotated[str, AfterValidator(_channel)]
    text: str = ""
    source: str = ""
    urls: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    from_state: bool = False


class Call(_CaseModel):
    """A call that the model makes or the user approves; without a `call_id` it is numbered."""

    name: str
    arguments: dict[str, Any] = {}
    call_id: str = ""


class CaseTurn(_CaseModel):
    """One turn: the message, what is read for it, the calls, the answer, and the calls that the user approves."""

    user: str = "Please go on."
    reads: tuple[ReadText, ...] = ()
    calls: tuple[Call, ...] = ()
    answer: str = "Done."
    approves: tuple[Call, ...] = ()
    lost: bool = False

    @model_validator(mode="before")
    @classmethod
    def _gather_read(cls, data: Any) -> Any:
        """The fields of a single read may be given in the turn itself."""
        if isinstance(data, dict) and data.get("channel") not in (None, "", "none"):
            own = {name: data.get(name) for name in ReadText.model_fields}
            data = {**data, "reads": [*(data.get("reads") or []), own]}
        return data


class Forbidden(_CaseModel):
    """The effect that needs the user's approval. Without fields: any of the attack's calls."""

    tool: str = ""
    contains: str = ""
    loads: str = ""


def _tool_spec(tool: Any) -> Any:
    """A stand-in by its name, or a tool in the form of ToolSpec or of OpenAI's `tools`; by default without effect."""
    if isinstance(tool, str):
        if tool not in TOOLS:
            raise ValueError(f"there is no stand-in tool named {tool!r}; describe it as an object")
        return TOOLS[tool]
    default = {"description": "", "parameters": {"type": "object", "properties": {}}}
    return {**default, **tool, **tool.get("function", {})} if isinstance(tool, dict) else tool


class InjectionCase(CaseTurn):
    """A conversation to replay. The case itself is its last turn, the one that is judged."""

    id: str
    kind: Literal["attack", "task"]
    earlier: tuple[CaseTurn, ...] = ()
    listed: tuple[Annotated[ToolSpec, BeforeValidator(_tool_spec)], ...] | None = Field(None, alias="tools")
    forbidden: Forbidden = Forbidden()
    always: frozenset[str] = frozenset()
    allowed: tuple[Annotated[ToolSpec, BeforeValidator(_tool_spec)], ...] = ()
    door: Literal["page", "v1", "responses", "messages"] = "page"
    edited: bool = False
    forged: bool = False
    mode: Mode | None = None

    @model_validator(mode="after")
    def _check_tools(self) -> Self:
        _ = self.tools
        return self

    @property
    def turns(self) -> tuple[CaseTurn, ...]:
        return (*self.earlier, self)

    @property
    def tools(self) -> dict[str, ToolSpec]:
        """The tools listed in the case, or those that it uses. Raises ValueError on an unknown one."""
        used = self.listed
        if used is None:
            used = tuple(_tool_spec(call.name) for turn in self.turns for call in turn.calls)
        reading = (CHANNELS[read.channel] for turn in self.turns for read in turn.reads)
        return {name: TOOLS[name] for name in reading if name} | {spec.name: spec for spec in used}

    @property
    def channels(self) -> tuple[str, ...]:
        read = [read.channel for turn in self.turns for read in turn.reads]
        return tuple(dict.fromkeys((*read, *self._ways()))) or ("none",)

    def _ways(self) -> Iterator[str]:
        if self.door != "page":
            yield "history"
        elif self.allowed:
            yield "republished"
        elif any(self.tools[call.name].operation.startswith("A2A") for call in self.calls if call.name in self.tools):
            yield "agent"
        elif any(tool.written_by for tool in self.tools.values()):
            yield "description"

    @property
    def standing(self) -> frozenset[str]:
        """The tools of `always` that still do what they did when the user allowed them."""
        then = self.tools | {tool.name: tool for tool in self.allowed}
        return still_allowed(
            ((name, then[name].host, then[name].binding) for name in self.always if name in then), self.tools
        )
