"""One function per Decision: each does its work and appends the Step that tells of it."""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from gpts import plan
from gpts.knowledge.citations import Grounding, extractive_answer, ground
from gpts.knowledge.documents import Passage
from gpts.knowledge.grounding import Gate
from gpts.messages import Message
from gpts.prompt import build_prompt, retrieval_query
from gpts.spec import GptSpec
from gpts.steps import ApprovalRequest, Finished, Log, ModelReply, Retrieval, Step, ToolResult, ToolStarted
from gpts.tools import ToolSpec, call_digest
from web.runs import log, services, stream
from web.runs.models import Run
from workers.engine.base import Engine, GenerationRequest, PromptTooLong, Sampling
from workers.knowledge.embed import Embedder
from workers.knowledge.index import KnowledgeIndex
from workers.leases import Held
from workers.reply import Reply
from workers.tools import TOOLS, ToolError

logger = logging.getLogger(__name__)

# Turns dropped at a time from the front of a conversation that outgrows the model's context; in blocks, so that the
# prefix cache goes cold once in a while instead of at every turn.
DROP_TURNS: Final = 4


@dataclass(frozen=True, slots=True)
class Hands:
    """What this worker process works with. `quotes`: the model is too small to word answers from passages."""

    engine: Engine
    index: KnowledgeIndex
    embedder: Embedder
    deadline_s: float
    quotes: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """A run as its worker sees it at this moment."""

    run: Run
    spec: GptSpec
    steps: Log
    history: Sequence[Log]
    tools: dict[str, ToolSpec]
    held: Held

    def append(self, step: Step, **shown: object) -> None:
        """Append `step` to the log and tell the readers, with `shown` as further facts."""
        seq = log.append(self.run.id, step, self.held.token)
        stream.publish(self.run.id, {"type": "step", "seq": seq, "kind": step.kind, **shown})


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
    query = retrieval_query(turn.history, turn.steps)
    found = hands.index.search(turn.spec.knowledge, query)
    if found.covered and hands.quotes:
        found = found.model_copy(update={"extract": _extract(query, found.passages, hands)})
    turn.append(found, n_passages=len(found.passages), covered=found.covered)


def call_model(turn: Turn, hands: Hands) -> None:
    """Generate one reply, streaming it as it comes. A crash leaves no step: the reply is then generated again."""
    messages, n_tokens = fit_prompt(turn, hands.engine)
    request = GenerationRequest(
        messages=messages,
        max_tokens=_max_tokens(turn, hands.engine),
        sampling=Sampling(temperature=turn.spec.model.temperature, top_p=turn.spec.model.top_p),
        stop=turn.spec.model.stop,
        deadline_s=hands.deadline_s,
    )
    stream.publish(turn.run.id, {"type": "attempt", **_attempt(turn)})
    passages = _passages(turn.steps)
    reply = Reply(n_tokens, Gate(_question(turn), passages) if turn.spec.only_from_knowledge and passages else None)
    with closing(hands.engine.stream(request)) as tokens:
        for token in tokens:
            turn.held.check()
            show(turn, reply.take(token))
            if reply.is_enough:
                break
    show(turn, reply.finish())
    turn.append(reply.step(_n_calls(turn.steps)))


def fit_prompt(turn: Turn, engine: Engine) -> tuple[tuple[Message, ...], int]:
    """The prompt and its length in tokens, with as few of the oldest turns dropped as the model's context demands.

    Raises PromptTooLong when this turn alone does not fit.
    """
    room = engine.health().context_tokens - _max_tokens(turn, engine)
    for dropped in range(0, len(turn.history) + DROP_TURNS, DROP_TURNS):
        messages = build_prompt(turn.spec, turn.history[dropped:], turn.steps, turn.tools)
        n_tokens = engine.count_tokens(messages)
        if n_tokens <= room:
            return messages, n_tokens
    raise PromptTooLong("This message is too long for the model. Shorten it, or add it as a knowledge file.")


def _max_tokens(turn: Turn, engine: Engine) -> int:
    """The longest reply: what the GPT or the caller asks for, but never more than half of the model's context."""
    return min(turn.spec.model.max_tokens, engine.health().context_tokens // 2)


def show(turn: Turn, text: str) -> None:
    """Stream a piece of the answer to the readers, if there is one."""
    if text:
        stream.publish(turn.run.id, {"type": "token", **_attempt(turn), "text": text})


def _attempt(turn: Turn) -> dict[str, int]:
    return {"seq": len(turn.steps), "attempt": turn.run.n_attempts}


def _n_calls(steps: Log) -> int:
    return sum(len(step.tool_calls) for step in steps if isinstance(step, ModelReply))


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
    """End the run with its answer, each sentence tied to the passage that supports it."""
    text = decision.text
    passages = _passages(turn.steps)
    # A gated answer says things in the passages' own words; only a free one needs meanings compared.
    similarity = None if turn.spec.only_from_knowledge else hands.embedder.similarity
    grounding = ground(text, passages, similarity, _question(turn)) if passages else Grounding()
    if not any(isinstance(step, ModelReply) for step in turn.steps):
        stream.publish(turn.run.id, {"type": "attempt", **_attempt(turn)})
        show(turn, text)
    if passages and not grounding.citations:
        text, grounding = _with_quote(text, passages, turn, hands)
    last = Finished(text=text, **dict(grounding), coverage=decision.coverage, finish=decision.finish)
    services.finish_run(turn.run.id, last, turn.held.token)


def _passages(steps: Log) -> tuple[Passage, ...]:
    return tuple(p for step in steps if isinstance(step, Retrieval) and step.covered for p in step.passages)


def _with_quote(text: str, passages: tuple[Passage, ...], turn: Turn, hands: Hands) -> tuple[str, Grounding]:
    """An answer that rests on nothing found gets, or becomes, the best sentences of the files themselves, cited."""
    quote = _extract(retrieval_query(turn.history, turn.steps), passages, hands)
    addition = f"\n\nFrom the files: {quote}" if text else quote
    show(turn, addition)
    return text + addition, ground(text + addition, passages)


def _extract(query: str, passages: Sequence[Passage], hands: Hands) -> str:
    return extractive_answer(query, passages, hands.embedder.similarity).text


def _question(turn: Turn) -> str:
    return turn.run.message.text
