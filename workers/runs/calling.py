"""Performing the calls of a turn, and asking a person about one: what tools get, and what the log keeps of it."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any, Final

from django.db import close_old_connections

from gpts.runs import decisions, plan
from gpts.runs.steps import ApprovalRequest, FileRef, ToolCall, ToolResult, ToolStarted
from gpts.safety.flow import context_label
from gpts.safety.labels import Integrity, Label, join
from gpts.spec.tools import call_digest
from web.runs import files
from web.runs.errors import LeaseLost, RunOver
from workers.runs.turn import HeldTurn
from workers.tools import InputFile, Tool, ToolContext, ToolError, ToolOutput

logger = logging.getLogger(__name__)

FAILED: Final = "Something went wrong in this tool. The error was logged."
# What the person is told of a call that was not performed, where the model's own words for it would not do.
TO_THE_PERSON: Final = {
    plan.DECLINED: "OK, I didn't do that.",
    plan.EXPIRED: "Not done: the approval request expired. Ask again if you still want it.",
}
# What a model reads of one result, in characters; the rest is for the reader.
MAX_RESULT_CHARS: Final = 12_000
SIDE_BY_SIDE: Final = 4


def run_tools(decision: decisions.RunTools, turn: HeldTurn) -> None:
    """Perform the calls side by side, keeping each result as it comes.

    One with an effect is announced first, so that no other worker ever runs it again. Raises LeaseLost, RunOver.
    """
    if decision.announce:
        for call in decision.calls:
            turn.append(ToolStarted(call_id=call.call_id, name=call.name), name=call.name)
    readable = tuple(InputFile(*entry) for entry in files.readable(turn.run))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        jobs = [pool.submit(_result, call, turn, readable) for call in decision.calls]
        for job in as_completed(jobs):
            result = job.result()
            turn.append(result, name=result.name, ok=result.ok)


def _result(call: ToolCall, turn: HeldTurn, readable: tuple[InputFile, ...]) -> ToolResult:
    """What the call gave, also when it failed. Runs in a thread of its own. Raises LeaseLost."""
    tool, begun = turn.toolbox[call.name], time.monotonic()
    try:
        output = tool.run(call.arguments, _context(call, tool, turn, readable))
    except ToolError as error:
        told, by = str(error), error.written_by
        output = ToolOutput(told, shown=told, untrusted=bool(by), written_by=(by,) if by else (), ok=False)
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
        text=output.text[:MAX_RESULT_CHARS],
        ok=output.ok,
        shown=output.shown,
        passages=output.passages,
        files=output.files,
        urls=output.urls,
        label=_label(output, turn),
        seconds=round(time.monotonic() - begun, 2),
    )


def _label(output: ToolOutput, turn: HeldTurn) -> Label:
    """The label of a result: of what went into the call, and of what outsiders wrote."""
    own = Label(
        integrity=Integrity.UNTRUSTED if output.untrusted else Integrity.PLATFORM,
        written_by=output.written_by,
        private=output.private,
    )
    return join((context_label(turn.history, turn.steps), own))


def _context(call: ToolCall, tool: Tool, turn: HeldTurn, readable: tuple[InputFile, ...]) -> ToolContext:
    return ToolContext(
        call_id=call.call_id,
        session=str(turn.run.message.conversation_id),
        user_id=turn.run.owner_id,
        spec=turn.spec,
        deadline_s=tool.spec.timeout_s,
        files=readable,
        check=turn.held.check,
        progress=partial(turn.progress, call.call_id),
        keep=partial(_keep, turn, any(file.untrusted for file in readable)),
        question=turn.question(),
    )


def _keep(turn: HeldTurn, reads_files: bool, name: str, mime: str, data: bytes) -> FileRef:
    """The file that a call made; `mime` is looked at anew, as hostile bytes may say anything of themselves."""
    untrusted = reads_files or context_label(turn.history, turn.steps).is_untrusted
    return files.keep(turn.run, name, data, untrusted)


def reject(decision: decisions.RejectCall, turn: HeldTurn) -> None:
    """Keep why a call is not performed: for the model, and in place of an answer where it is too weak for one."""
    call, reason = decision.call, decision.reason
    shown = TO_THE_PERSON.get(reason, reason)
    turn.append(
        ToolResult(call_id=call.call_id, name=call.name, text=reason, ok=False, shown=shown), name=call.name, ok=False
    )


def ask_approval(decision: decisions.AskApproval, turn: HeldTurn) -> None:
    """Put the call before its person: in words and exactly, with why they are asked."""
    call, ask = decision.call, decision.ask
    tool = turn.toolbox[call.name]
    request = tool.describe(call.arguments)
    shown: dict[str, Any] = {"name": call.name, "call_id": call.call_id}
    turn.append(
        ApprovalRequest(
            call_id=call.call_id,
            name=call.name,
            digest=call_digest(call),
            title=tool.spec.title or tool.spec.name,
            plain=request.plain,
            raw=request.raw,
            reason=ask.reason,
            because=ask.because,
            host=tool.spec.host,
            may_remember=ask.may_remember and turn.run.root_id is None,
            sign_in=decision.sign_in,
        ),
        **shown,
    )
