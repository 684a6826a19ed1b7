"""One function per Decision: each does its work and appends the Step that tells of it."""

from collections.abc import Callable

from gpts.runs import decisions
from gpts.runs.steps import Error, ModelReply
from web.runs import services
from workers.runs import answering, calling, delegate_tools
from workers.runs.answering import Runtime
from workers.runs.turn import Turn
from workers.smallmodel import choosing


def perform(decision: decisions.Decision, turn: Turn, runtime: Callable[[], Runtime]) -> None:
    """Do what was decided; `runtime` opens the model, for those that need it.

    Raises LeaseLost or RunOver when the run is no longer this worker's.
    """
    match decision:
        case decisions.Retrieve():
            retrieve(turn, runtime())
        case decisions.ChooseTool():
            choice = choosing.tool_choice(turn, runtime())
            turn.append(choice, name=choice.name)
        case decisions.WriteCall(tool):
            turn.append(choosing.call_reply(turn, runtime(), turn.tools[tool], lambda text: turn.held.check()))
        case decisions.DelegateParts(parts):
            turn.append(choosing.delegating_reply(turn, parts))
        case decisions.CallModel():
            call_model(turn, runtime())
        case decisions.RunTools():
            calling.run_tools(decision, turn)
        case decisions.Delegate():
            delegate_tools.delegate(decision, turn, runtime())
        case decisions.AskApproval():
            calling.ask_approval(decision, turn)
        case decisions.RejectCall():
            calling.reject(decision, turn)
        case decisions.GiveUp(reason):
            services.finish_run(turn.run.id, Error(message=reason), turn.held.token)
        case decisions.Finish():
            finish(decision, turn, runtime())
        case decisions.Wait() | decisions.Stop():
            raise AssertionError("the loop ends these itself")


def retrieve(turn: Turn, runtime: Runtime) -> None:
    """Search the GPT's knowledge for the question."""
    found = answering.retrieval(turn, runtime)
    turn.append(found, n_passages=len(found.passages), covered=found.covered)


def call_model(turn: Turn, runtime: Runtime) -> None:
    """Generate one reply, streaming it as it comes. A crash leaves no step: the reply is then generated again."""
    turn.begin_answer()
    turn.append(answering.model_reply(turn, runtime, turn.show))


def finish(decision: decisions.Finish, turn: Turn, runtime: Runtime) -> None:
    """End the run with its answer."""
    replies = [step for step in turn.steps if isinstance(step, ModelReply)]
    if not replies or replies[-1].text != decision.text:  # nobody has streamed it yet
        turn.begin_answer()
        turn.show(decision.text)
    services.finish_run(turn.run.id, answering.finished(decision, turn, runtime, turn.show), turn.held.token)
