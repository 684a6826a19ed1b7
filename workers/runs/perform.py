"""One function per Decision: each does its work and appends the Step that tells of it."""

from collections.abc import Callable

from gpts.runs import decisions
from gpts.runs.steps import Error, ModelReply
from web.runs import services
from workers.runs import answering, calling, delegating
from workers.runs.answering import Hands
from workers.runs.turn import Turn
from workers.smallmodel import choosing


def perform(decision: decisions.Decision, turn: Turn, hands: Callable[[], Hands]) -> None:
    """Do what was decided; `hands` opens the model, for those that need it.

    Raises LeaseLost or RunOver when the run is no longer this worker's.
    """
    match decision:
        case decisions.Retrieve():
            retrieve(turn, hands())
        case decisions.ChooseTool():
            choice = choosing.tool_choice(turn, hands())
            turn.append(choice, name=choice.name)
        case decisions.WriteCall(tool):
            turn.append(choosing.call_reply(turn, hands(), turn.tools[tool], lambda text: turn.held.check()))
        case decisions.HandOut(parts):
            turn.append(choosing.handed_out(turn, parts))
        case decisions.CallModel():
            call_model(turn, hands())
        case decisions.RunTools():
            calling.run_tools(decision, turn)
        case decisions.Delegate():
            delegating.delegate(decision, turn, hands())
        case decisions.AskApproval():
            calling.ask_approval(decision, turn)
        case decisions.RejectCall():
            calling.reject(decision, turn)
        case decisions.GiveUp(reason):
            services.finish_run(turn.run.id, Error(message=reason), turn.held.token)
        case decisions.Finish():
            finish(decision, turn, hands())
        case decisions.Wait() | decisions.Stop():
            raise AssertionError("the loop ends these itself")


def retrieve(turn: Turn, hands: Hands) -> None:
    """Search the GPT's knowledge for the question."""
    found = answering.retrieval(turn, hands)
    turn.append(found, n_passages=len(found.passages), covered=found.covered)


def call_model(turn: Turn, hands: Hands) -> None:
    """Generate one reply, streaming it as it comes. A crash leaves no step: the reply is then generated again."""
    turn.begin_answer()
    turn.append(answering.model_reply(turn, hands, turn.show))


def finish(decision: decisions.Finish, turn: Turn, hands: Hands) -> None:
    """End the run with its answer."""
    replies = [step for step in turn.steps if isinstance(step, ModelReply)]
    if not replies or replies[-1].text != decision.text:  # nobody has streamed it yet
        turn.begin_answer()
        turn.show(decision.text)
    services.finish_run(turn.run.id, answering.finished(decision, turn, hands, turn.show), turn.held.token)
