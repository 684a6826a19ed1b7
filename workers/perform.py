"""One function per Decision: each does its work and appends the Step that tells of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from gpts import plan
from gpts.steps import ApprovalRequest, ModelReply, Step, ToolResult, ToolStarted
from gpts.tools import call_digest
from web.runs import log, services, stream
from web.runs.models import Run
from workers import answering
from workers.answering import Hands, Talk
from workers.leases import Held
from workers.tools import TOOLS, ToolError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn(Talk):
    """A run as its worker sees it at this moment."""

    run: Run
    held: Held

    def append(self, step: Step, **shown: object) -> None:
        """Append `step` to the log and tell the readers, with `shown` as further facts."""
        seq = log.append(self.run.id, step, self.held.token)
        stream.publish(self.run.id, {"type": "step", "seq": seq, "kind": step.kind, **shown})

    def begin_answer(self) -> None:
        """Tell the readers that an answer begins; what an earlier attempt showed is void."""
        stream.publish(self.run.id, {"type": "attempt", **self._attempt()})

    def show(self, text: str) -> None:
        """Stream a piece of the answer to the readers. Raises LeaseLost once the run is another worker's."""
        self.held.check()
        if text:
            stream.publish(self.run.id, {"type": "token", **self._attempt(), "text": text})

    def _attempt(self) -> dict[str, int]:
        return {"seq": len(self.steps), "attempt": self.run.n_attempts}


def perform(decision: plan.Decision, turn: Turn, hands: Callable[[], Hands]) -> None:
    """Do what was decided; `hands` opens the model, for those that need it.

    Raises LeaseLost or RunOver when the run is no longer this worker's.
    """
    match decision:
        case plan.Retrieve():
            retrieve(turn, hands())
        case plan.CallModel():
            call_model(turn, hands())
        case plan.RunTool():
            run_tool(decision, turn)
        case plan.AskApproval(call):
            request = ApprovalRequest(call_id=call.call_id, name=call.name, digest=call_digest(call))
            turn.append(request, call_id=call.call_id, name=call.name, arguments=call.arguments)
        case plan.RejectCall(call, reason):
            turn.append(ToolResult(call_id=call.call_id, name=call.name, text=reason, ok=False), name=call.name)
        case plan.Finish():
            finish(decision, turn, hands())
        case plan.Wait() | plan.Stop():
            raise AssertionError("the loop ends these itself")


def retrieve(turn: Turn, hands: Hands) -> None:
    """Search the GPT's knowledge for the question."""
    found = answering.retrieval(turn, hands)
    turn.append(found, n_passages=len(found.passages), covered=found.covered)


def call_model(turn: Turn, hands: Hands) -> None:
    """Generate one reply, streaming it as it comes. A crash leaves no step: the reply is then generated again."""
    turn.begin_answer()
    turn.append(answering.model_reply(turn, hands, turn.show))


def run_tool(decision: plan.RunTool, turn: Turn) -> None:
    """Perform the call. One with an effect is announced first, so that no other worker ever runs it again."""
    call = decision.call
    if decision.announce:
        turn.append(ToolStarted(call_id=call.call_id, name=call.name), name=call.name)
    try:
        text, ok = TOOLS[call.name].run(call.arguments), True
    except ToolError as error:
        text, ok = str(error), False
    turn.append(ToolResult(call_id=call.call_id, name=call.name, text=text, ok=ok), name=call.name)


def finish(decision: plan.Finish, turn: Turn, hands: Hands) -> None:
    """End the run with its answer."""
    if not any(isinstance(step, ModelReply) for step in turn.steps):
        turn.begin_answer()
        turn.show(decision.text)
    services.finish_run(turn.run.id, answering.finished(decision, turn, hands, turn.show), turn.held.token)
