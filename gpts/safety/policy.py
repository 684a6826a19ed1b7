"""The one place where a tool call is allowed, refused or submitted for approval. Pure.

A call is judged by what it would do (ToolSpec) and by the labels of everything the conversation has read
(CallContext), never by what a text says. Accepted limits: by choosing among links that may be opened, hostile text
can reveal a few bits of the conversation to its host (of private sources only by choosing among addresses that a
search returned); so can a call by its choices and the order of the person's words; the description of a stranger's
GPT can win it tasks while nothing else from outside was read; and a call that a person approves is made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from gpts.runs.builtin_calls import builtin_called
from gpts.runs.delegation import STORE_AUTHORS
from gpts.runs.form_answers import own_words
from gpts.runs.steps import Approval, ApprovalRequest, Log, ToolCall, ToolResult, UserMessage
from gpts.safety.flow import context_label, tools_label
from gpts.safety.labels import Label
from gpts.safety.links import host_of
from gpts.safety.urls import carried, is_known, known_spellings, problem, urls_in
from gpts.safety.wording import in_other_words, leaves, unquoted, unsaid
from gpts.spec.tools import Reach, ToolSpec

Mode = Literal["strict", "balanced"]


@dataclass(frozen=True, slots=True)
class Allow:
    """The call goes ahead."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The person decides. `reason` is for them; `because` names the authors of outside text that was read."""

    reason: str
    because: tuple[str, ...] = ()
    may_remember: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call is not made; `reason` is for the model."""

    reason: str


Verdict = Allow | Ask | Refuse
# For the person. Pages that are not in English know these sentences by their form.
READ: Final = "It has read {authors}, which may have asked for this."
SENDS: Final = "It sends {words} to {host}."
# For the model: why a call of a tool with `own_words` is not made.
NOT_THEIR_WORDS: Final = "Text from outside was read. Call this again with the person’s own words, literally quoted."


@dataclass(frozen=True, slots=True)
class Standing:
    """Facts outside the conversation: the tools that the person always allows, and the site's strictness.

    `familiar`: GPTs of the store, by slug, that belong to the person or to the creator of the GPT that asks.
    """

    always: frozenset[str] = frozenset()
    mode: Mode = "strict"
    familiar: frozenset[str] = frozenset()


def still_allowed(given: Iterable[tuple[str, str, str]], tools: Mapping[str, ToolSpec]) -> frozenset[str]:
    """The tools that are always allowed by the permissions `given` (name, host, binding): those that do the same."""
    bound = {(name, tool.host, tool.binding) for name, tool in tools.items()}
    return frozenset(each[0] for each in given if each in bound)


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a conversation has read. `said`: the person's own texts, `said_now` those of this turn.

    `tool_authors` are outsiders who wrote texts of the GPT's tools; then no conversation with it is free of outside
    text. `known` are the spellings of addresses that the person typed or a search returned, `linked` those of links
    on opened pages.
    """

    label: Label = field(default_factory=Label)
    said: tuple[str, ...] = ()
    said_now: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    tool_authors: tuple[str, ...] = ()


def context_of(history: Sequence[Log], log: Log, tools: Mapping[str, ToolSpec]) -> CallContext:
    """The context of a conversation so far, including earlier turns (`history`), with these tools."""
    said_before, said_now = tuple(text for turn in history for text in _said(turn)), tuple(_said(log))
    said = (*said_before, *said_now)
    typed = [url for text in said for url in urls_in(text)]
    return CallContext(
        label=context_label(history, log, tools),
        said=said,
        said_now=said_now,
        known=known_spellings([*typed, *_urls((*history, log), "service")]),
        linked=known_spellings(_urls((*history, log), "address")),
        tool_authors=tools_label(tools).written_by,
    )


def check(call: ToolCall, tool: ToolSpec, context: CallContext, standing: Standing) -> Verdict:
    """Whether `call` of `tool` may proceed in this context."""
    if tool.of_caller:
        return Allow()  # Nothing is performed here: the calling program decides.
    if tool.effect == "write":
        return _check_write(call, tool, context, standing)
    match tool.reach:
        case "nothing" | "trusted_service":
            return Allow()
        case "gpt":
            return _check_delegation(call, tool, context, standing)
        case "address":
            return _check_address(call, tool, context)
        case "service" | "host":
            return _check_destination(call, tool, context)


def _check_write(call: ToolCall, tool: ToolSpec, context: CallContext, standing: Standing) -> Verdict:
    remembered = tool.name in standing.always and not tool.always_asks
    tainted = context.label.is_untrusted
    if tool.own_words and tainted and in_other_words(call.arguments, tool.parameters, context.said):
        return Refuse(NOT_THEIR_WORDS)
    if remembered and not tainted and not _others(tool, context):
        return Allow()
    if remembered and standing.mode == "balanced" and _is_quoted(call, tool, context):
        return Allow()
    change = f"This changes something at {tool.host}." if tool.host else "This changes something."
    reasons = [change, _influence(context), _confidence(tool, context)]
    # "Always allow" is offered only where it can ever hold.
    may_hold = standing.mode == "balanced" or not context.tool_authors
    may_remember = may_hold and not tool.always_asks
    return Ask(" ".join(filter(None, reasons)), context.label.written_by, may_remember)


def _check_address(call: ToolCall, tool: ToolSpec, context: CallContext) -> Verdict:
    """Allows opening a page if its address is known, or if only the person's own text led to it."""
    addresses = tuple(leaves(call.arguments, {"properties": {"url": {}}} | tool.parameters))
    url = call.arguments.get("url")
    if isinstance(url, str) and (why := problem(url)):
        return Refuse(why)
    if all(_may_be_opened(address, context) for address in addresses):
        return Allow()
    if not context.label.is_untrusted and not context.label.private:
        return Allow()
    shown = "; ".join(piece for address in addresses for piece in carried(address))
    hosts = listed(host_of(address) for address in addresses if not address.isascii())
    reasons = [
        "This address isn't from you or from a search.",
        f"Its host is {hosts}." if hosts else "",
        f"Opening it sends this: {shown}." if shown else "",
        _influence(context),
        _confidence(tool, context),
    ]
    return Ask(" ".join(filter(None, reasons)), context.label.written_by)


def _check_destination(call: ToolCall, tool: ToolSpec, context: CallContext) -> Verdict:
    """Allows data read in one place to go to another only as the person's own words, or with their approval."""
    if not _others(tool, context):
        return Allow()
    foreign = unsaid(call.arguments, tool.parameters, context.said)
    if not foreign:
        return Allow()
    shown = ", ".join(f"“{text}”" for text in foreign)
    reasons = [SENDS.format(words=shown, host=tool.host or "an external service"), _influence(context)]
    return Ask(" ".join([*filter(None, reasons), _confidence(tool, context)]), context.label.written_by)


def _check_delegation(call: ToolCall, tool: ToolSpec, context: CallContext, standing: Standing) -> Verdict:
    """Allows a task for a GPT. One of a stranger is a way out, as an address is.

    Once something private or from outside was read, it only gets the person's message of this turn, and only if they
    or the creator named it, or what they approve; files always are the latter, as their names say nothing of what is
    in them. The child run's own calls are judged by the label of the task.
    """
    named = {name: value for name, value in call.arguments.items() if name == "gpt"}
    read = {*context.label.private, *context.label.written_by}.difference(context.tool_authors, (STORE_AUTHORS,))
    is_search = "gpt" in tool.parameters["properties"] and not named.get("gpt")
    if not (tool.of_stranger and read) or is_search or named.get("gpt") in standing.familiar:
        return Allow()
    task = {name: value for name, value in call.arguments.items() if name != "gpt"}
    unknown = in_other_words(named, tool.parameters, context.said)
    if not (unknown or task.get("files") or unsaid(task, tool.parameters, context.said_now)):
        return Allow()
    reasons = ["This passes the task on to another person’s GPT.", _influence(context), _confidence(tool, context)]
    return Ask(" ".join(filter(None, reasons)), context.label.written_by)


def _may_be_opened(address: str, context: CallContext) -> bool:
    """Links of pages count only while nothing confidential was read: choosing among prepared links can leak it."""
    if is_known(address, context.known):
        return True
    return not context.label.private and is_known(address, context.linked)


def _is_quoted(call: ToolCall, tool: ToolSpec, context: CallContext) -> bool:
    """Whether all content of the call is literally in the person's texts; False for a call without content."""
    said_anything = any(leaves(call.arguments, tool.parameters))
    return said_anything and not unquoted(call.arguments, tool.parameters, context.said)


def _others(tool: ToolSpec, context: CallContext) -> tuple[str, ...]:
    """The private sources that were read, except the tool's own host."""
    return tuple(name for name in context.label.private if not tool.host or name.partition(":")[2] != tool.host)


def _influence(context: CallContext) -> str:
    if not context.label.is_untrusted:
        return ""
    return READ.format(authors=listed(context.label.written_by))


def _confidence(tool: ToolSpec, context: CallContext) -> str:
    others = _others(tool, context)
    return f"It may contain content from {listed(_source(name) for name in others)}." if others else ""


def _source(name: str) -> str:
    kind, _, host = name.partition(":")
    return host or {"knowledge": "files that it has read"}.get(kind, kind)


def listed(names: Iterable[str]) -> str:
    """The names joined for people: "a, b and c"."""
    every = tuple(dict.fromkeys(names))
    return " and ".join(filter(None, [", ".join(every[:-1]), *every[-1:]]))


def _urls(turns: Iterable[Log], reach: Reach) -> list[str]:
    """The addresses returned by built-in tools of this reach."""
    return [
        url
        for turn in turns
        for step in turn
        if isinstance(step, ToolResult) and step.ok and step.urls
        if (tool := builtin_called(turn, step.name)) and tool.spec.reach == reach
        for url in step.urls
    ]


def _said(turn: Log) -> Iterable[str]:
    """The person's own texts in a turn: their message, and what they typed into forms."""
    for step in turn:
        if isinstance(step, UserMessage):
            yield from _own_words(step)
    yield from _typed_answers(turn)


def _typed_answers(turn: Log) -> Iterable[str]:
    """What the person typed into the forms of GPTs. Their model reads it, as no model reads what a server is told."""
    forms = {step.call_id: step.form for step in turn if isinstance(step, ApprovalRequest) and step.form}
    for step in turn:
        form = forms.get(step.call_id) if isinstance(step, Approval) else None
        if isinstance(step, Approval) and form and not form.asker:
            yield from own_words(form, step.answers)


def _own_words(step: UserMessage) -> list[str]:
    """The texts written by the person; excludes tasks written by another GPT."""
    if not step.own_words:
        return []
    filled_in = (line for line in step.background.inputs if line not in step.background.defaults)
    return [*(message.content for message in step.earlier if message.role == "user"), *filled_in, step.text]
