"""What is found and said in a turn, as values: no database, no stream. perform.py keeps and streams the results."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from gpts import plan
from gpts.knowledge.citations import Grounding, extractive_answer, ground, is_answer
from gpts.knowledge.documents import Passage
from gpts.knowledge.grounding import Gate
from gpts.knowledge.queries import retrieval_query
from gpts.knowledge.ranking import budget_for
from gpts.messages import Message
from gpts.prompt import build_prompt
from gpts.spec import GptSpec
from gpts.steps import Finished, Log, ModelReply, Retrieval, UserMessage
from gpts.tools import ToolSpec
from workers.engine.base import Engine, GenerationRequest, PromptTooLong, Sampling
from workers.knowledge.embed import Embedder
from workers.knowledge.index import KnowledgeIndex
from workers.reply import Reply

# Turns dropped at a time from the front of a conversation that outgrows the model's context; in blocks, so that the
# prefix cache goes cold once in a while instead of at every turn.
DROP_TURNS: Final = 4

# Given each piece of an answer as it may be shown, also empty ones, several times a second; may raise to stop.
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Hands:
    """What this worker process works with. `quotes`: the model is too small to word answers from passages."""

    engine: Engine
    index: KnowledgeIndex
    embedder: Embedder
    deadline_s: float
    quotes: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """A turn of a conversation so far: the GPT, this turn's steps, the turns before it, the tools it was granted."""

    spec: GptSpec
    steps: Log
    history: Sequence[Log]
    tools: dict[str, ToolSpec]

    def question(self) -> str:
        """What the person asked in this turn."""
        first = self.steps[0]
        assert isinstance(first, UserMessage)
        return first.text

    def passages(self) -> tuple[Passage, ...]:
        """What was found in the files and covers the question."""
        return tuple(p for step in self.steps if isinstance(step, Retrieval) and step.covered for p in step.passages)


def retrieval(talk: Talk, hands: Hands) -> Retrieval:
    """What the GPT's knowledge holds on the question. Raises KnowledgeError."""
    query = retrieval_query(talk.history, talk.steps)
    budget = budget_for(hands.engine.health().context_tokens)
    found = hands.index.search(talk.spec.knowledge, query, budget)
    if not (hands.quotes or talk.spec.only_from_knowledge):
        return found
    extract = extractive_answer(query, found.passages, hands.embedder.similarity)
    covered = is_answer(extract, found.covered)
    return found.model_copy(update={"covered": covered, "extract": extract.text if covered and hands.quotes else ""})


def model_reply(talk: Talk, hands: Hands, show: Show) -> ModelReply:
    """One reply of the model. Raises PromptTooLong, EngineError or what `show` raises."""
    messages, n_tokens = fit_prompt(talk, hands.engine)
    request = GenerationRequest(
        messages=messages,
        max_tokens=_max_tokens(talk, hands.engine),
        sampling=Sampling(temperature=talk.spec.model.temperature, top_p=talk.spec.model.top_p),
        stop=talk.spec.model.stop,
        deadline_s=hands.deadline_s,
    )
    passages = talk.passages()
    gate = Gate(talk.question(), passages) if talk.spec.only_from_knowledge and passages else None
    reply = Reply(n_tokens, gate)
    with closing(hands.engine.stream(request)) as tokens:
        for token in tokens:
            show(reply.take(token))
            if reply.is_enough:
                break
    show(reply.finish())
    return reply.step(sum(len(step.tool_calls) for step in talk.steps if isinstance(step, ModelReply)))


def finished(decision: plan.Finish, talk: Talk, hands: Hands, show: Show) -> Finished:
    """The answer, each sentence tied to the passage that supports it; `show` gets what is added to the reply."""
    text, passages = decision.text, talk.passages()
    # A gated answer says things in the passages' own words; only a free one needs meanings compared.
    similarity = None if talk.spec.only_from_knowledge else hands.embedder.similarity
    grounding = ground(text, passages, similarity, talk.question()) if passages else Grounding()
    if passages and not grounding.citations:
        addition = _quotation(text, passages, talk, hands)
        show(addition)
        text += addition
        grounding = ground(text, passages)
    return Finished(text=text, **dict(grounding), coverage=decision.coverage, finish=decision.finish)


def fit_prompt(talk: Talk, engine: Engine) -> tuple[tuple[Message, ...], int]:
    """The prompt and its length in tokens, with as few of the oldest turns dropped as the model's context demands.

    Raises PromptTooLong when this turn alone does not fit.
    """
    room = engine.health().context_tokens - _max_tokens(talk, engine)
    for dropped in range(0, len(talk.history) + DROP_TURNS, DROP_TURNS):
        messages = build_prompt(talk.spec, talk.history[dropped:], talk.steps, talk.tools)
        n_tokens = engine.count_tokens(messages)
        if n_tokens <= room:
            return messages, n_tokens
    raise PromptTooLong("This message is too long for the model. Shorten it, or add it as a knowledge file.")


def _max_tokens(talk: Talk, engine: Engine) -> int:
    """The longest reply: what the GPT or the caller asks for, but never more than half of the model's context."""
    return min(talk.spec.model.max_tokens, engine.health().context_tokens // 2)


def _quotation(text: str, passages: tuple[Passage, ...], talk: Talk, hands: Hands) -> str:
    """What an answer that rests on nothing found gets, or becomes: the best sentences of the files themselves."""
    query = retrieval_query(talk.history, talk.steps)
    quote = extractive_answer(query, passages, hands.embedder.similarity).text
    return f"\n\nFrom the files: {quote}" if text else quote
