"""Runs the tool calls of a turn and requests approvals."""

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections

from gpts.knowledge.documents import Passage
from gpts.runs import decisions, plan
from gpts.runs.steps import Approval, ApprovalRequest, FileRef, ToolCall, ToolResult, ToolStarted
from gpts.safety.flow import context_label
from gpts.safety.invisible_characters import exposed
from gpts.safety.labels import Integrity, Label, join
from gpts.spec.gpt import KnowledgeRef
from gpts.spec.tools import call_digest
from web.accounts import quotas
from web.accounts.quotas import QuotaExceeded
from web.runs import drafts, files, memories
from web.runs.errors import LeaseLost, Refused, RunOver
from workers.knowledge import segments
from workers.knowledge.passages import stretch
from workers.runs import asking
from workers.runs.turn import HeldTurn
from workers.tools import InputFile, Tool, ToolContext, ToolError, ToolOutput, describe, long_results

logger = logging.getLogger(__name__)

FAILED: Final = "Something went wrong in this tool. The error was logged."
# What the user reads about a call that was not made, where the text for the model is unsuitable.
USER_TEXTS: Final = {
    plan.DECLINED: "OK, I didn't do that.",
    plan.NOT_ANSWERED: "OK, I’ll go on without it.",
    plan.DISMISSED: "OK, I’ll go on without it.",
    plan.EXPIRED: "Not done: the approval request expired. Ask again if you still want it.",
}
MAX_PARALLEL: Final = 4
# The tool whose results count for the quota of generated images.
PICTURES_TOOL: Final = "make_image"


def run_tools(decision: decisions.RunTools, turn: HeldTurn) -> None:
    """Run the calls in parallel and append each result as it comes. Raises LeaseLost, RunOver.

    A call with an effect is announced first, so that no other worker ever repeats it.
    """
    if decision.announce:
        for call in decision.calls:
            turn.append(ToolStarted(call_id=call.call_id, name=call.name), name=call.name)
    readable = tuple(InputFile(*entry) for entry in files.readable(turn.run))
    with ThreadPoolExecutor(MAX_PARALLEL) as pool:
        jobs = [pool.submit(_result, call, turn, readable) for call in decision.calls]
        for job in as_completed(jobs):
            result = job.result()
            files.keep_label(result.files, result.label)
            turn.append(result, name=result.name, ok=result.ok)


def _result(call: ToolCall, turn: HeldTurn, readable: tuple[InputFile, ...]) -> ToolResult:
    """The result of the call, or of its failure. Runs in its own thread. Raises LeaseLost, RunOver."""
    begun = time.monotonic()
    try:
        output = _fitted(_output(call, turn, readable), turn)
    except (LeaseLost, RunOver):
        raise
    except Exception:
        logger.exception("the tool %s failed", call.name)
        output = ToolOutput(FAILED, shown=FAILED, untrusted=False, ok=False)
    finally:
        close_old_connections()
    return ToolResult(
        call_id=call.call_id,
        name=call.name,
        text=output.text,
        ok=output.ok,
        shown=output.shown,
        passages=output.passages,
        files=output.files,
        urls=output.urls,
        app=output.app,
        is_cut=output.is_cut,
        label=_label(output, turn),
        seconds=round(time.monotonic() - begun, 2),
    )


def _output(call: ToolCall, turn: HeldTurn, readable: tuple[InputFile, ...]) -> ToolOutput:
    """What the tool returned, or why it did not do what was asked."""
    tool = turn.toolbox[call.name]
    try:
        with quotas.taken(turn.run.owner_id, "pictures", _n_pictures(call)):
            return tool.run(call.arguments, _context(call, tool, turn, readable))
    except QuotaExceeded as error:
        return ToolOutput(error.messages[0], shown=error.messages[0], untrusted=False, ok=False)
    except ToolError as error:
        text, by = str(error), error.written_by
        return ToolOutput(text, shown=text, untrusted=bool(by), written_by=(by,) if by else (), ok=False)


def _fitted(output: ToolOutput, turn: HeldTurn) -> ToolOutput:
    """`output` as the model has room for it; the whole of a longer one is kept as a file of the run.

    The file gets the label of the result, as all files of a call do (`run_tools`).
    """
    room = long_results.room(turn)
    if len(output.text) <= room + long_results.MARK_CHARS:
        return output
    name, data = long_results.file_name(output.text), output.text.encode("utf-8", "replace")
    file = files.keep(turn.run, name, data, _label(output, turn).is_untrusted)
    text = long_results.shortened(output.text, room, file.name)
    return replace(output, text=text, files=(*output.files, file), is_cut=True)


def _n_pictures(call: ToolCall) -> int:
    """How many images the call would make."""
    if call.name != PICTURES_TOOL:
        return 0
    n = call.arguments.get("n")
    return n if isinstance(n, int) and n > 0 else 1


def _label(output: ToolOutput, turn: HeldTurn) -> Label:
    """The label of a result, joined from the context of the call and the output."""
    own = Label(
        integrity=Integrity.UNTRUSTED if output.untrusted else Integrity.PLATFORM,
        written_by=output.written_by,
        private=output.private,
    )
    return join((context_label(turn.history, turn.steps, turn.tools), own))


def _context(call: ToolCall, tool: Tool, turn: HeldTurn, readable: tuple[InputFile, ...]) -> ToolContext:
    return ToolContext(
        call_id=call.call_id,
        session=f"{turn.run.owner_id}/{turn.run.message.conversation_id}",
        user_id=turn.run.owner_id,
        spec=turn.spec,
        deadline_s=tool.spec.timeout_s,
        files=readable,
        check=turn.held.check,
        progress=partial(turn.progress, call.call_id),
        keep=partial(_keep, turn, any(file.untrusted for file in readable)),
        remember=partial(_remember, turn),
        update_draft=partial(_update_draft, turn, call.call_id),
        question=turn.question(),
        room_chars=long_results.room(turn),
        whole=_whole,
        label=context_label(turn.history, turn.steps, turn.tools),
        answers=_answers_to(call, turn),
        ask=partial(asking.ask, turn, call),
        n_sessions=quotas.limits_of(turn.run.owner_id)["sandbox_sessions"],
    )


def _answers_to(call: ToolCall, turn: HeldTurn) -> dict[str, Any]:
    """The person's answers to the form that the call is."""
    given = (step for step in reversed(turn.steps) if isinstance(step, Approval) and step.call_id == call.call_id)
    return next((step.answers for step in given), {})


def _whole(file: KnowledgeRef) -> Passage:
    segment = segments.load(settings.GUILDHALL_HOME, file.segment)
    return stretch(file, segment, 0, segment.n_chars)


def _keep(
    turn: HeldTurn, reads_files: bool, name: str, mime: str, data: bytes, *, untrusted: bool = False
) -> FileRef:
    """Store a file that a call made. `mime` is ignored and detected again, as the claim is not trusted."""
    untrusted = untrusted or reads_files or context_label(turn.history, turn.steps, turn.tools).is_untrusted
    return files.keep(turn.run, name, data, untrusted)


def _remember(turn: HeldTurn, text: str) -> str:
    try:
        return memories.add(turn.run.owner, turn.run.gpt, text, turn.run).text
    except Refused as error:
        raise ToolError(str(error)) from error


def _update_draft(turn: HeldTurn, call_id: str, fields: Mapping[str, Any]) -> str:
    try:
        return drafts.write(turn.run, call_id, fields, turn.user_message().background.draft)
    except Refused as error:
        raise ToolError(str(error)) from error


def reject(decision: decisions.RejectCall, turn: HeldTurn) -> None:
    """Append why a call is not made, for the model and for the user."""
    call, reason = decision.call, decision.reason
    is_for_model = bool(call.problem) or reason == plan.NO_CALLS
    shown = None if is_for_model else USER_TEXTS.get(reason, reason)
    turn.append(
        ToolResult(call_id=call.call_id, name=call.name, text=reason, ok=False, shown=shown), name=call.name, ok=False
    )


def ask_approval(decision: decisions.AskApproval, turn: HeldTurn) -> None:
    """Append a request for approval: the call in plain language and in full, and why approval is needed.

    A call that can only fail is rejected instead.
    """
    call, ask = decision.call, decision.ask
    tool, spec = turn.toolbox.get(call.name), turn.tools[call.name]  # a GPT to ask is none of the toolbox
    if refusal := tool.refusal(call.arguments) if tool else "":
        reject(decisions.RejectCall(call, refusal), turn)
        return
    request = tool.describe(call.arguments) if tool else describe(call.arguments)
    shown: dict[str, Any] = {"name": call.name, "call_id": call.call_id}
    turn.append(
        ApprovalRequest(
            call_id=call.call_id,
            name=call.name,
            digest=call_digest(call),
            title=spec.title or spec.name,
            plain=decision.form.in_words if decision.form else request.plain,
            raw="" if decision.form else request.raw,
            reason=exposed(ask.reason),
            because=ask.because,
            form=decision.form,
            host=spec.host,
            binding=spec.binding,
            may_remember=ask.may_remember and turn.run.root_id is None,
            sign_in=decision.sign_in,
        ),
        **shown,
    )
