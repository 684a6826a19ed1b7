"""What a GPT did before it answered, as quiet lines: a log in, words and details out."""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

from gpts.knowledge.documents import Passage
from gpts.runs.builtin_calls import builtin_called
from gpts.runs.delegated_calls import DelegatedCall, delegated_call
from gpts.runs.steps import Approval, Log, ModelReply, Retrieval, ToolCall, ToolResult, pending_approvals
from gpts.spec.actions import host_name
from gpts.spec.builtin_tools import BuiltinTool
from gpts.spec.gpt import GptSpec
from web.chat.approvals import verdict
from web.chat.delegations import awaited, delegation_phrases, phrase_for_several
from web.chat.tool_names import Phrases, in_words, shortened, tool_name

State = Literal["done", "failed", "running", "waiting"]
# Characters of an argument, and of what a call gave back; all of it is in the log.
VALUE_CHARS: Final = 600
ANSWER_CHARS: Final = 6_000
MAX_LINKS: Final = 10


@dataclass(frozen=True, slots=True)
class LineLink:
    """A page that a call found or read."""

    url: str
    host: str
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the GPT did. `short` tells it among others, `many` several of its kind at once.

    Of the details only those are set that such a call has. `note` is what its reader should know beside it: why it
    failed, or that they allowed it. `delegated` is set where it asked another GPT.
    """

    words: str
    short: str
    many: str
    state: State = "done"
    note: str = ""
    call_id: str = ""
    code: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    raw: str = ""
    answer: str = ""
    links: tuple[LineLink, ...] = ()
    passages: tuple[Passage, ...] = ()
    seconds: float = 0.0
    delegated: DelegatedCall | None = None

    @property
    def has_details(self) -> bool:
        """Whether there is anything to fold out."""
        return bool(self.code or self.arguments or self.answer or self.links or self.passages)

    @property
    def took(self) -> str:
        """How long it took, where that is worth telling."""
        return f"{self.seconds:.1f} s" if self.seconds >= 0.05 else ""


def lines(spec: GptSpec, log: Log) -> tuple[Line, ...]:
    """The lines of a run so far, in the order of its log; calls that have no result yet are running or waiting."""
    found: list[Line] = []
    for step in log:
        if isinstance(step, Retrieval):
            found.append(_search(spec, step))
        elif isinstance(step, ModelReply):
            found += [_call(spec, log, call) for call in step.tool_calls]
    return tuple(found)


def summary(found: tuple[Line, ...]) -> str:
    """All of a run's lines in one."""
    kinds: dict[str, list[Line]] = {}
    for line in found:
        kinds.setdefault(line.many, []).append(line)
    return " · ".join(_together(many, alike) for many, alike in kinds.items())


def _together(many: str, alike: list[Line]) -> str:
    if delegated := [line.delegated for line in alike if line.delegated]:
        return phrase_for_several(delegated, many)
    before, _, after = many.rpartition("#")
    return alike[0].short if len(alike) == 1 else f"{before}{len(alike)}{after}"


def doing(found: tuple[Line, ...]) -> str:
    """What is being done right now; empty between calls."""
    running = [line for line in found if line.state == "running"]
    own = next((line.words for line in running if not line.delegated), "")
    return own or awaited([line.delegated for line in running if line.delegated])


def _search(spec: GptSpec, step: Retrieval) -> Line:
    words = step.summary(len(spec.knowledge))
    return Line(words, words, f"{words.partition(',')[0]} # times", passages=step.passages)


def _call(spec: GptSpec, log: Log, call: ToolCall) -> Line:
    delegated, builtin = delegated_call(spec, log, call), builtin_called(log, call.name)
    said = delegation_phrases(delegated) if delegated else phrases(spec, log, call)
    result = next((step for step in log if isinstance(step, ToolResult) and step.call_id == call.call_id), None)
    given: dict[str, Any] = {"short": said.short, "many": said.many, "call_id": call.call_id, "delegated": delegated}
    if delegated is None or delegated.host:
        given |= _given(builtin, call)
    if result is None:
        waits = call.call_id in {request.call_id for request in pending_approvals(log)}
        return Line(words=said.doing, state="waiting" if waits else "running", **given)
    known = "asked the same before" if delegated and delegated.joined else ""
    told: dict[str, Any] = {"note": verdict(log, call.call_id) or known, "seconds": result.seconds}
    if delegated is None or delegated.host:
        told |= _answered(builtin, result)
    if result.ok:
        return Line(words=said.done, **given, **told)
    if _was_declined(log, call.call_id):
        return Line(words=said.declined, state="failed", **given, note=told["note"])
    return Line(words=said.failed, state="failed", **given, **{**told, "note": _sentence(result.text)})


def _was_declined(log: Log, call_id: str) -> bool:
    answers = [step.allowed for step in log if isinstance(step, Approval) and step.call_id == call_id]
    return bool(answers) and not answers[-1]


def phrases(spec: GptSpec, log: Log, call: ToolCall) -> Phrases:
    """The call in words."""
    if builtin := builtin_called(log, call.name):
        line, subject = builtin.line, _subject(builtin, call)
        texts = (line.doing, line.done, line.failed, line.declined, line.short, line.many)
        return Phrases(*(text.replace("{subject}", subject) for text in texts))
    named = tool_name(spec, call.name)
    what = f"{named.title} on {named.host}" if named.host else named.title
    if named.is_delegation:
        return Phrases(*_forms("ask", "Asking", "Asked", what), f"Asked {what}", f"Asked {what} # times")
    return Phrases(*_forms("call", "Calling", "Called", what), f"Called {what}", f"Called {what} # times")


def _forms(verb: str, doing_it: str, done: str, what: str) -> tuple[str, str, str, str]:
    return f"{doing_it} {what}", f"{done} {what}", f"Could not {verb} {what}", f"Did not {verb} {what}"


def _subject(builtin: BuiltinTool, call: ToolCall) -> str:
    """What the call is about, as its line says it: the start of the argument, or the host of an address."""
    value = str(call.arguments.get(builtin.line.subject, ""))
    return (host_name(value) or "the page") if builtin.spec.reach == "address" else shortened(value)


def _given(builtin: BuiltinTool | None, call: ToolCall) -> dict[str, Any]:
    """What the call was given, as its line shows it."""
    match builtin.line.given if builtin else "":
        case "code":
            return {"code": str(call.arguments.get("code", ""))}
        case "address":
            url = str(call.arguments.get("url", ""))
            return {"links": (LineLink(url, host_name(url), url),)} if _is_web(url) else {}
    arguments = tuple((in_words(key), _value(value)) for key, value in call.arguments.items())
    raw = json.dumps(call.arguments, indent=2, ensure_ascii=False)
    return {"arguments": arguments, "raw": raw if builtin is None and arguments else ""}


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARS else text[:VALUE_CHARS] + "…"


def _answered(builtin: BuiltinTool | None, result: ToolResult) -> dict[str, Any]:
    """What the call gave back, as its line shows it."""
    match builtin.line.gave if builtin else "text":
        case "nothing":
            return {}
        case "addresses":
            found = dict.fromkeys(url for url in result.urls if _is_web(url))
            return {
                "links": tuple(LineLink(url, host_name(url), _title(result, url)) for url in list(found)[:MAX_LINKS])
            }
    text = result.text.strip()
    return {"answer": text if len(text) <= ANSWER_CHARS else text[:ANSWER_CHARS] + "\n…"}


def _title(result: ToolResult, url: str) -> str:
    """What the result calls the page, else its address."""
    named = (p.file_name for p in result.passages if getattr(p, "url", "") == url)
    return next(named, "") or url


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _sentence(text: str) -> str:
    return shortened(" ".join(text.strip().splitlines()[-1:]), VALUE_CHARS)
