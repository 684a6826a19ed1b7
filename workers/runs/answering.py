"""What is found and said in a turn, as values: no database, no stream. perform.py keeps and streams the results."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from gpts.knowledge.citations import Grounding, extractive_answer, ground, is_answer
from gpts.knowledge.documents import Passage
from gpts.knowledge.grounding import Gate
from gpts.knowledge.ranking import budget_for
from gpts.runs import decisions
from gpts.runs.delegation import title_of, titles_in
from gpts.runs.messages import Message
from gpts.runs.prompt import build_prompt
from gpts.runs.queries import retrieval_query
from gpts.runs.steps import Finished, Log, ModelReply, Retrieval, ToolResult, UserMessage
from gpts.safety.flow import context_label
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec
from workers.engine.base import Engine, GenerationRequest, Grammar, PromptTooLong, Sampling
from workers.knowledge.embed import Embedder
from workers.knowledge.index import KnowledgeIndex
from workers.runs.reply import Reply
from workers.smallmodel.routing.candidates import Candidate
from workers.smallmodel.routing.router import Router

# Turns dropped at a time from the front of a conversation that outgrows the model's context; in blocks, so that the
# prefix cache goes cold once in a while instead of at every turn.
DROP_TURNS: Final = 4

# Given each piece of an answer as it may be shown, also empty ones, several times a second; may raise to stop.
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Hands:
    """What this worker process works with. `quotes`: the model is too small to word answers from passages.

    `router` chooses tools for models that cannot; None where no tool is ever chosen for them.
    """

    engine: Engine
    index: KnowledgeIndex
    embedder: Embedder
    deadline_s: float
    quotes: bool
    router: Router | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """A turn of a conversation so far: the GPT, this turn's steps, the turns before it, the tools it was granted.

    `routed`: the router chooses the tools, so the model is not told of them. `store` gives the GPTs of the store that
    may be asked.
    """

    spec: GptSpec
    steps: Log
    history: Sequence[Log]
    tools: dict[str, ToolSpec]
    routed: bool = field(default=False, kw_only=True)
    store: Callable[[], Sequence[Candidate]] = field(default=tuple, kw_only=True)

    def asked(self) -> UserMessage:
        """The step that this turn began with."""
        first = self.steps[0]
        assert isinstance(first, UserMessage)
        return first

    def question(self) -> str:
        """What the person asked in this turn."""
        return self.asked().text

    def n_calls(self) -> int:
        """How many calls the model has made in this turn."""
        return sum(len(step.tool_calls) for step in self.steps if isinstance(step, ModelReply))

    def passages(self) -> tuple[Passage, ...]:
        """What was found in the files and covers the question, and what tools gave that can be cited."""
        found = [p for step in self.steps if isinstance(step, Retrieval) and step.covered for p in step.passages]
        return (*found, *(p for step in self.steps if isinstance(step, ToolResult) for p in step.passages))


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
    request, n_tokens = _reply_request(talk, hands)
    passages = talk.passages()
    # What follows a schema is for programs: a sentence in place of another would break it.
    for_people = request.grammar is None or request.grammar.json_schema is None
    gated = talk.spec.only_from_knowledge and passages and for_people
    gate = Gate(talk.question(), passages) if gated else None
    reply = Reply(n_tokens, gate)
    with closing(hands.engine.stream(request)) as tokens:
        for token in tokens:
            show(reply.take(token))
            if reply.is_enough:
                break
    show(reply.finish())
    step = reply.step(talk.n_calls())
    return step.model_copy(update={"label": context_label(talk.history, talk.steps)})


def _reply_request(talk: Talk, hands: Hands) -> tuple[GenerationRequest, int]:
    """What the model is asked, and the length of its prompt in tokens."""
    tools = () if talk.routed else tuple(talk.tools.values())
    max_tokens = _max_tokens(talk, hands.engine)
    messages, n_tokens = fit_prompt(talk, hands.engine, max_tokens, tools=tools)
    request = GenerationRequest(
        messages=messages,
        max_tokens=max_tokens,
        sampling=Sampling(temperature=talk.spec.model.temperature, top_p=talk.spec.model.top_p),
        stop=talk.spec.model.stop,
        deadline_s=hands.deadline_s,
        tools=tools,
        grammar=_grammar(talk, tools),
    )
    return request, n_tokens


def _grammar(talk: Talk, tools: tuple[ToolSpec, ...]) -> Grammar | None:
    """What a reply is held to: the form of calls, or the schema that the API caller gave."""
    wishes = talk.asked().overrides
    if tools:
        first = not any(isinstance(step, ModelReply) for step in talk.steps)
        return Grammar(tools=tools, required=first and wishes.tool_choice == "required")
    return Grammar(json_schema=wishes.answer_schema) if wishes.answer_schema is not None else None


def finished(decision: decisions.Finish, talk: Talk, hands: Hands, show: Show) -> Finished:
    """The answer, each sentence tied to the passage that supports it; `show` gets what is added to the reply."""
    text, passages = decision.text, talk.passages()
    # A gated answer says things in the passages' own words; only a free one needs meanings compared.
    similarity = None if talk.spec.only_from_knowledge else hands.embedder.similarity
    titles = titles_in(talk.steps) | {title_of(tool.title) for tool in talk.tools.values() if tool.asks}
    grounding = ground(text, passages, similarity, talk.question(), titles) if passages else Grounding()
    if passages and not grounding.citations and _may_be_added_to(decision, talk):
        addition = _quotation(text, passages, talk, hands)
        show(addition)
        text += addition
        grounding = ground(text, passages)
    return Finished(
        text=text,
        **dict(grounding),
        coverage=decision.coverage,
        finish=decision.finish,
        tool_calls=decision.calls,
        label=context_label(talk.history, talk.steps),
    )


def _may_be_added_to(decision: decisions.Finish, talk: Talk) -> bool:
    """Whether the answer is for people to read: neither in the caller's own form, nor a call of their functions."""
    return talk.asked().overrides.answer_schema is None and not decision.calls


def fit_prompt(
    talk: Talk,
    engine: Engine,
    max_tokens: int,
    asked: tuple[Message, ...] = (),
    tools: tuple[ToolSpec, ...] = (),
) -> tuple[tuple[Message, ...], int]:
    """The prompt and its length in tokens, with as few of the oldest turns dropped as the model's context demands.

    `asked` comes last. Raises PromptTooLong when this turn and a reply of `max_tokens` do not fit.
    """
    room = engine.health().context_tokens - max_tokens
    for dropped in range(0, len(talk.history) + DROP_TURNS, DROP_TURNS):
        messages = (*build_prompt(talk.spec, talk.history[dropped:], talk.steps), *asked)
        n_tokens = engine.count_tokens(messages, tools)
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
    return f"\n\nFrom the {'pages' if passages[0].url else 'files'}: {quote}" if text else quote
