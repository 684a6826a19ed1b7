"""What a GPT did before it answered, as lines with details."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.utils.translation import gettext, ngettext

from gpts.knowledge.documents import Passage
from gpts.runs.builtin_calls import builtin_called
from gpts.runs.delegated_calls import DelegatedCall, delegated_call
from gpts.runs.state import notes_before
from gpts.runs.status import pending_approvals
from gpts.runs.steps import (
    Approval,
    Finished,
    Log,
    ModelChange,
    ModelReply,
    PartNotes,
    Retrieval,
    ToolCall,
    ToolResult,
)
from gpts.spec.actions import host_name
from gpts.spec.builtin_tools import BuiltinTool
from gpts.spec.file_tools import FILE_TOOLS
from gpts.spec.gpt import GptSpec
from web.chat.approvals import verdict
from web.chat.phrases import Phrases, awaited, delegation_phrases, in_words, phrase_for_several, shortened, tool_name
from web.engines import named
from web.runs.drafts import UNCHANGED

# "passed": what was not done because somebody declined it, and a change of the model.
State = Literal["done", "failed", "passed", "running", "waiting"]
# Characters shown of an argument and of a result; all of it is in the log.
VALUE_CHARS: Final = 600
RESULT_CHARS: Final = 6_000
MAX_LINKS: Final = 10


@dataclass(frozen=True, slots=True)
class LineLink:
    """A web page that a call found or read."""

    url: str
    host: str
    title: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """One thing that the GPT did. `short` is its phrase in a summary, `many` the one for several of its kind.

    `note` says why it failed, or that the person allowed it. `delegated` is set if it asked another GPT.
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
    reasoning: str = ""

    @property
    def has_details(self) -> bool:
        """Whether it has details to expand."""
        return bool(self.code or self.arguments or self.answer or self.links or self.passages or self.reasoning)

    @property
    def took(self) -> str:
        """Its duration; empty if negligible."""
        return f"{self.seconds:.1f} s" if self.seconds >= 0.05 else ""


def lines(spec: GptSpec, log: Log) -> tuple[StepLine, ...]:
    """The lines of a run so far, in order; calls without a result are running or waiting."""
    found: list[StepLine] = []
    for step in log:
        if isinstance(step, Retrieval):
            found.append(_search(step, notes_before(log, log.index(step))))
        elif isinstance(step, ModelReply):
            if step.reasoning:
                found.append(_reasoning(step))
            found += [_call(spec, log, call) for call in step.tool_calls if not _is_searched(call, log)]
        elif isinstance(step, ModelChange):
            found.append(_change(step))
    last = log[-1] if log else None
    if isinstance(last, PartNotes) and last.number < last.n_parts:
        going_on = gettext("Reading part {n} of {n_parts}").format(n=last.number + 1, n_parts=last.n_parts)
        found.append(StepLine(going_on, going_on, going_on, "running"))
    return tuple(found)


def summary(found: tuple[StepLine, ...]) -> str:
    """A summary of the lines in one line."""
    kinds: dict[str, list[StepLine]] = {}
    for line in found:
        kinds.setdefault(line.many, []).append(line)
    return " · ".join(_together(many, alike) for many, alike in kinds.items())


def has_failed(found: tuple[StepLine, ...]) -> bool:
    """Whether something failed."""
    return any(line.state == "failed" for line in found)


def _together(many: str, alike: list[StepLine]) -> str:
    if delegated := [line.delegated for line in alike if line.delegated]:
        return phrase_for_several(delegated, many)
    before, _, after = many.rpartition("#")
    return alike[0].short if len(alike) == 1 else f"{before}{len(alike)}{after}"


def doing(found: tuple[StepLine, ...]) -> str:
    """What the GPT is doing now; empty between calls."""
    running = [line for line in found if line.state == "running"]
    own = next((line.words for line in running if not line.delegated), "")
    return own or awaited([line.delegated for line in running if line.delegated])


def _reasoning(step: ModelReply) -> StepLine:
    seconds = max(1, round(step.reasoning_ms / 1000))
    time = f"{f'{seconds // 60} min ' if seconds >= 60 else ''}{seconds % 60} s"
    words = gettext("Thought for {time}").format(time=time)
    return StepLine(words, words, gettext("Thought # times"), reasoning=step.reasoning)


def _search(step: Retrieval, notes: Sequence[PartNotes]) -> StepLine:
    words = found_in_files(step)
    if len(notes) > 1:
        words = gettext("{words} in {n} parts").format(words=words, n=len(notes))
    passages = (*step.passages, *(passage for each in notes for passage in each.passages))
    many = gettext("{done} # times").format(done=words.partition(",")[0])
    return StepLine(words, words, many, passages=passages)


def found_in_files(step: Retrieval) -> str:
    """As `Retrieval.summary`, in the person's language: what was read, and what was found in how many files."""
    n_read, n_found = len(step.whole_files), len(step.passages)
    names = step.whole_files[0] if n_read == 1 else ngettext("{n} file", "{n} files", n_read).format(n=n_read)
    read = (gettext("Read part of {names}") if step.unread else gettext("Read {names}")).format(names=names)
    if step.reused:
        return gettext("Used the last answer’s sources")
    if n_read and not step.n_files:
        return read
    n = step.n_files
    files = ngettext("{n} file", "{n} files", n).format(n=n) if n else gettext("the files")
    found = gettext("no clear match") if step.extract else gettext("no match")
    if step.covered and n_found:
        found = ngettext("{n} passage", "{n} passages", n_found).format(n=n_found)
    searched = gettext("Searched {files}, {found}").format(files=files, found=found)
    return f"{read} · {searched}" if n_read else searched


def _is_searched(call: ToolCall, log: Log) -> bool:
    """Whether the call searched or read files, for which what was found has a line of its own."""
    return any(isinstance(step, Retrieval) and step.call_id == call.call_id for step in log)


def _change(step: ModelChange) -> StepLine:
    wanted, engine = named(step.wanted), named(step.engine)
    if step.reason == "unavailable":
        text = gettext("Switched to {engine}: {wanted} isn’t available")
    else:
        text = gettext("Switched to {engine}: {wanted} is no longer offered")
    words = text.format(engine=engine, wanted=wanted)
    return StepLine(words, words, gettext("Changed the model # times"), "passed")


def _call(spec: GptSpec, log: Log, call: ToolCall) -> StepLine:
    delegated, builtin = delegated_call(spec, log, call), builtin_called(log, call.name)
    said = delegation_phrases(delegated) if delegated else phrases(spec, log, call)
    result = next((step for step in log if isinstance(step, ToolResult) and step.call_id == call.call_id), None)
    fields: dict[str, Any] = {"short": said.short, "many": said.many, "call_id": call.call_id, "delegated": delegated}
    has_details = delegated is None or delegated.host
    if has_details:
        fields |= _arguments(builtin, call)
    if result is None:
        waits = call.call_id in {request.call_id for request in pending_approvals(log)}
        return StepLine(words=said.doing, state="waiting" if waits else "running", **fields)
    reused = gettext("reused an earlier answer") if delegated and delegated.joined else ""
    fields["note"] = verdict(log, call.call_id) or reused
    if _was_declined(log, call.call_id) and not result.ok:
        return _undone(said.declined, "passed", fields)
    fields["seconds"] = result.seconds
    if has_details:
        fields |= _result(builtin, result)
    if result.ok and result.text == UNCHANGED:
        words = gettext("Checked the form")
        return StepLine(words=words, **fields | {"short": words})
    if result.ok:
        return StepLine(words=said.done, **fields)
    reason = _reason(result.text)
    if result.text.strip() == reason:
        fields.pop("answer", None)
    is_answer = isinstance(log[-1], Finished) and reason in log[-1].text
    return _undone(said.failed, "failed", fields | {"note": "" if is_answer else reason})


def _undone(words: str, state: State, fields: dict[str, Any]) -> StepLine:
    """The line of a call that was not done, which a summary names apart from calls that were."""
    if not fields["delegated"]:
        fields |= {"short": words, "many": gettext("{done} # times").format(done=words)}
    return StepLine(words=words, state=state, **fields)


def _was_declined(log: Log, call_id: str) -> bool:
    answers = [step.allowed for step in log if isinstance(step, Approval) and step.call_id == call_id]
    return bool(answers) and not answers[-1]


def phrases(spec: GptSpec, log: Log, call: ToolCall) -> Phrases:
    """The phrases for a tool call."""
    if builtin := builtin_called(log, call.name):
        line, subject = builtin.line, _subject(builtin, call)
        texts = (line.doing, line.done, line.failed, line.declined, line.short, line.many)
        return Phrases(*(gettext(text).replace("{subject}", subject) for text in texts))
    if call.name in FILE_TOOLS:
        failed = gettext("Couldn’t search the files")
        return _phrases("", gettext("Searching the files"), gettext("Searched the files"), failed, failed)
    named = tool_name(spec, call.name)
    what = gettext("{title} on {host}").format(title=named.title, host=named.host) if named.host else named.title
    if named.is_delegation:
        asks = gettext("Asking {what}"), gettext("Asked {what}"), gettext("Couldn’t ask {what}")
        return _phrases(what, *asks, gettext("Didn’t ask {what}"))
    calls = gettext("Calling {what}"), gettext("Called {what}"), gettext("Couldn’t call {what}")
    return _phrases(what, *calls, gettext("Didn’t call {what}"))


def _phrases(what: str, *texts: str) -> Phrases:
    doing, done, failed, declined = (text.format(what=what) for text in texts)
    return Phrases(doing, done, failed, declined, done, gettext("{done} # times").format(done=done))


def _subject(builtin: BuiltinTool, call: ToolCall) -> str:
    """The subject of the call in its phrases: the start of an argument, or the host of a URL."""
    value = str(call.arguments.get(builtin.line.subject, ""))
    return (host_name(value) or gettext("the page")) if builtin.spec.reach == "address" else shortened(value)


def _arguments(builtin: BuiltinTool | None, call: ToolCall) -> dict[str, Any]:
    """The fields of a line that show the call's arguments."""
    match builtin.line.given if builtin else "":
        case "code":
            return {"code": str(call.arguments.get("code", ""))}
        case "nothing":
            return {}
        case "address":
            url = str(call.arguments.get("url", ""))
            return {"links": (LineLink(url, host_name(url), url),)} if _is_web(url) else {}
    arguments = tuple((in_words(key), _value(value)) for key, value in call.arguments.items())
    raw = json.dumps(call.arguments, indent=2, ensure_ascii=False)
    return {"arguments": arguments, "raw": raw if builtin is None and arguments else ""}


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARS else text[:VALUE_CHARS] + "…"


def _result(builtin: BuiltinTool | None, result: ToolResult) -> dict[str, Any]:
    """The fields of a line that show the call's result."""
    match builtin.line.gave if builtin else "text":
        case "nothing":
            return {}
        case "addresses":
            urls = list(dict.fromkeys(url for url in result.urls if _is_web(url)))[:MAX_LINKS]
            return {"links": tuple(LineLink(url, host_name(url), _title(result, url)) for url in urls)}
    text = result.text.strip()
    return {"answer": text if len(text) <= RESULT_CHARS else text[:RESULT_CHARS] + "\n…"}


def _title(result: ToolResult, url: str) -> str:
    """The title of the page in the result, else its URL."""
    named = (p.file_name for p in result.passages if getattr(p, "url", "") == url)
    return next(named, "") or url


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _reason(text: str) -> str:
    """Why a call failed, in one line: the response of a service is in the details."""
    last = " ".join(text.partition(" Response: ")[0].strip().splitlines()[-1:])
    return shortened(last, VALUE_CHARS)
