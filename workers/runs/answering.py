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
class Runtime:
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
class TurnState:
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

    def user_message(self) -> UserMessage:
        """The step that this turn began with."""
        first = self.steps[0]
        assert isinstance(first, UserMessage)
        return first

    def question(self) -> str:
        """What the person asked in this turn."""
        return self.user_message().text

    def n_calls(self) -> int:
        """How many calls the model has made in this turn."""
        return sum(len(step.tool_calls) for step in self.steps if isinstance(step, ModelReply))

    def passages(self) -> tuple[Passage, ...]:
        """What was found in the files and covers the question, and what tools gave that can be cited."""
        found = [p for step in self.steps if isinstance(step, Retrieval) and step.covered for p in step.passages]
        return (*found, *(p for step in self.steps if isinstance(step, ToolResult) for p in step.passages))


def retrieval(turn: TurnState, runtime: Runtime) -> Retrieval:
    """What the GPT's knowledge holds on the question. Raises KnowledgeError."""
    query = retrieval_query(turn.history, turn.steps)
    budget = budget_for(runtime.engine.health().context_tokens)
    found = runtime.index.search(turn.spec.knowledge, query, budget)
    if not (runtime.quotes or turn.spec.only_from_knowledge):
        return found
    extract = extractive_answer(query, found.passages, runtime.embedder.similarity)
    covered = is_answer(extract, found.covered)
    return found.model_copy(
        update={"covered": covered, "extract": extract.text if covered and runtime.quotes else ""}
    )


def model_reply(turn: TurnState, runtime: Runtime, show: Show) -> ModelReply:
    """One reply of the model. Raises PromptTooLong, EngineError or what `show` raises."""
    request, n_tokens = _reply_request(turn, runtime)
    passages = turn.passages()
    # What follows a schema is for programs: a sentence in place of another would break it.
    for_people = request.grammar is None or request.grammar.json_schema is None
    gated = turn.spec.only_from_knowledge and passages and for_people
    gate = Gate(turn.question(), passages) if gated else None
    reply = Reply(n_tokens, gate)
    with closing(runtime.engine.stream(request)) as tokens:
        for token in tokens:
            show(reply.take(token))
            if reply.is_enough:
                break
    show(reply.finish())
    step = reply.step(turn.n_calls())
    return step.model_copy(update={"label": context_label(turn.history, turn.steps)})


def _reply_request(turn: TurnState, runtime: Runtime) -> tuple[GenerationRequest, int]:
    """What the model is asked, and the length of its prompt in tokens."""
    tools = () if turn.routed else tuple(turn.tools.values())
    max_tokens = _max_tokens(turn, runtime.engine)
    messages, n_tokens = fit_prompt(turn, runtime.engine, max_tokens, tools=tools)
    request = GenerationRequest(
        messages=messages,
        max_tokens=max_tokens,
        sampling=Sampling(temperature=turn.spec.model.temperature, top_p=turn.spec.model.top_p),
        stop=turn.spec.model.stop,
        deadline_s=runtime.deadline_s,
        tools=tools,
        grammar=_grammar(turn, tools),
    )
    return request, n_tokens


def _grammar(turn: TurnState, tools: tuple[ToolSpec, ...]) -> Grammar | None:
    """What a reply is held to: the form of calls, or the schema that the API caller gave."""
    wishes = turn.user_message().overrides
    if tools:
        first = not any(isinstance(step, ModelReply) for step in turn.steps)
        return Grammar(tools=tools, required=first and wishes.tool_choice == "required")
    return Grammar(json_schema=wishes.answer_schema) if wishes.answer_schema is not None else None


def finished(decision: decisions.Finish, turn: TurnState, runtime: Runtime, show: Show) -> Finished:
    """The answer, each sentence tied to the passage that supports it; `show` gets what is added to the reply."""
    text, passages = decision.text, turn.passages()
    # A gated answer says things in the passages' own words; only a free one needs meanings compared.
    similarity = None if turn.spec.only_from_knowledge else runtime.embedder.similarity
    titles = titles_in(turn.steps) | {title_of(tool.title) for tool in turn.tools.values() if tool.is_delegation}
    grounding = ground(text, passages, similarity, turn.question(), titles) if passages else Grounding()
    if passages and not grounding.citations and _may_be_added_to(decision, turn):
        addition = _quotation(text, passages, turn, runtime)
        show(addition)
        text += addition
        grounding = ground(text, passages)
    return Finished(
        text=text,
        **dict(grounding),
        coverage=decision.coverage,
        finish=decision.finish,
        tool_calls=decision.calls,
        label=context_label(turn.history, turn.steps),
    )


def _may_be_added_to(decision: decisions.Finish, turn: TurnState) -> bool:
    """Whether the answer is for people to read: neither in the caller's own form, nor a call of their functions."""
    return turn.user_message().overrides.answer_schema is None and not decision.calls


def fit_prompt(
    turn: TurnState,
    engine: Engine,
    max_tokens: int,
    asked: tuple[Message, ...] = (),
    tools: tuple[ToolSpec, ...] = (),
) -> tuple[tuple[Message, ...], int]:
    """The prompt and its length in tokens, with as few of the oldest turns dropped as the model's context demands.

    `asked` comes last. Raises PromptTooLong when this turn and a reply of `max_tokens` do not fit.
    """
    room = engine.health().context_tokens - max_tokens
    for dropped in range(0, len(turn.history) + DROP_TURNS, DROP_TURNS):
        messages = (*build_prompt(turn.spec, turn.history[dropped:], turn.steps), *asked)
        n_tokens = engine.count_tokens(messages, tools)
        if n_tokens <= room:
            return messages, n_tokens
    raise PromptTooLong("This message is too long for the model. Shorten it, or add it as a knowledge file.")


def _max_tokens(turn: TurnState, engine: Engine) -> int:
    """The longest reply: what the GPT or the caller asks for, but never more than half of the model's context."""
    return min(turn.spec.model.max_tokens, engine.health().context_tokens // 2)


def _quotation(text: str, passages: tuple[Passage, ...], turn: TurnState, runtime: Runtime) -> str:
    """What an answer that rests on nothing found gets, or becomes: the best sentences of the files themselves."""
    query = retrieval_query(turn.history, turn.steps)
    quote = extractive_answer(query, passages, runtime.embedder.similarity).text
    return f"\n\nFrom the {'pages' if passages[0].url else 'files'}: {quote}" if text else quote
