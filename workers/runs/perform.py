"""Performs each kind of Decision and appends its Step."""

from collections.abc import Callable

from gpts.runs import decisions
from gpts.runs.phases import phase
from gpts.runs.steps import Error, ModelReply, Retrieval
from web.runs.services import finish_run
from workers.runs import answering, calling, delegate_tools, finishing, intents, reading, reply_limits, searching
from workers.runs.services import Services
from workers.runs.turn import HeldTurn


def perform(decision: decisions.Decision, turn: HeldTurn, services: Callable[[], Services]) -> None:
    """Perform the decision. `services` opens the model, where it is needed. Raises LeaseLost, RunOver."""
    turn.tell(phase(decision, turn))
    match decision:
        case decisions.Retrieve():
            retrieve(decision, turn, services())
        case decisions.ReadPart(call):
            step = reading.next_step(turn, services(), str(turn.run.owner_id), turn.tell, call)
            shown = {"summary": step.summary()} if isinstance(step, Retrieval) else {}
            turn.append(step, **shown)
        case decisions.ReadIntent() | decisions.ReadFiles():
            assist(decision, turn, services())
        case decisions.ChooseTool() | decisions.WriteCall() | decisions.ShowResults():
            assist(decision, turn, services())
        case decisions.DelegateParts(parts):
            turn.append(delegate_tools.delegating_reply(turn, parts))
        case decisions.CallModel():
            call_model(turn, services())
        case decisions.RunTools():
            calling.run_tools(decision, turn)
        case decisions.Delegate():
            delegate_tools.delegate(decision, turn, services())
        case decisions.AskApproval():
            calling.ask_approval(decision, turn)
        case decisions.RejectCall():
            calling.reject(decision, turn)
        case decisions.GiveUp(reason):
            finish_run(turn.run.id, Error(message=reason), turn.held.token)
        case decisions.Finish():
            finish(decision, turn, services())
        case decisions.Wait() | decisions.Stop():
            raise AssertionError("handled in loop.py")


def assist(decision: decisions.Assisted, turn: HeldTurn, services: Services) -> None:
    """Do in place of the model what its ability does not cover."""
    match decision:
        case decisions.ReadIntent():
            turn.append(intents.message_intent(turn, services, turn.tell))
        case decisions.ReadFiles():
            found = searching.outline(turn, services)
            turn.append(found, summary=found.summary())
        case decisions.ChooseTool():
            choice = services.small.choose_tool(turn, turn.store)
            turn.append(choice, name=choice.name)
        case decisions.WriteCall(tool):
            turn.append(services.small.write_call(turn, turn.tools[tool], turn.held.check))
        case decisions.ShowResults():
            finish(services.small.show_results(turn), turn, services)


def retrieve(decision: decisions.Retrieve, turn: HeldTurn, services: Services) -> None:
    """Search or read the files of the turn for the question."""
    found = searching.retrieval(turn, services, decision.call)
    if decision.extracts:
        found = services.small.extract(found, turn)
    turn.append(found, summary=found.summary())


def call_model(turn: HeldTurn, services: Services) -> None:
    """Generate one reply, streaming it as it comes. A crash leaves no step: the reply is then generated again."""
    turn.begin_answer()
    turn.append(answering.model_reply(turn, services, turn.show, turn.show_reasoning, turn.show_logprobs))


def finish(decision: decisions.Finish, turn: HeldTurn, services: Services) -> None:
    """End the run with its answer."""
    decision = reply_limits.limited_finish(decision, turn, services.engine)
    replies = [step for step in turn.steps if isinstance(step, ModelReply)]
    if not replies or replies[-1].text != decision.text:  # not streamed yet
        turn.begin_answer()
        turn.show(decision.text)
    finish_run(turn.run.id, finishing.finished(decision, turn, services, turn.show), turn.held.token)
