"""Computes the retrieval, the replies and the answer of a turn as values; perform.py stores and streams them."""

from collections.abc import Callable
from contextlib import closing

from gpts.knowledge.citations import ground
from gpts.knowledge.grounding import Gate
from gpts.knowledge.ranking import budget_for
from gpts.runs import decisions
from gpts.runs.delegation import title_of, titles_in
from gpts.runs.plan import abstain
from gpts.runs.queries import retrieval_query
from gpts.runs.state import TurnState
from gpts.runs.steps import Finished, ModelReply, Retrieval
from gpts.safety.flow import context_label
from gpts.spec.tools import ToolSpec
from workers.engine.base import GenerationRequest, Grammar, Sampling
from workers.engine.prompts import fit_prompt
from workers.knowledge.meaning import EmbeddedMeaning
from workers.runs.reply import ReplyCollector
from workers.runs.services import Services

# Called with each visible piece of an answer, or "", several times a second; may raise to stop.
Show = Callable[[str], None]


def retrieval(state: TurnState, services: Services) -> Retrieval:
    """The results of searching the GPT's knowledge for the question. Raises KnowledgeError."""
    query = retrieval_query(state.history, state.steps)
    return services.index.search(state.spec.knowledge, query, budget_for(state.ability.context_tokens))


def model_reply(state: TurnState, services: Services, show: Show) -> ModelReply:
    """One reply of the model. Raises PromptTooLong, EngineError or what `show` raises."""
    request, n_tokens = _reply_request(state, services)
    passages = state.passages()
    # JSON that follows a schema is for programs: replacing a sentence would break it.
    for_people = request.grammar is None or request.grammar.json_schema is None
    gated = state.spec.only_from_knowledge and passages and for_people
    meaning = EmbeddedMeaning(services.embedder)
    gate = Gate(state.question(), passages, meaning, state.spec.instructions) if gated else None
    reply = ReplyCollector(
        n_tokens,
        gate,
        None if state.ability.writes_from_sources else services.small.repeats_itself,
        state.tools.keys() if state.must_answer() else (),
    )
    with closing(services.engine.stream(request)) as tokens:
        for token in tokens:
            show(reply.take(token))
            if reply.is_enough:
                break
    show(reply.finish())
    step = reply.step(state.n_calls())
    return step.model_copy(update={"label": context_label(state.history, state.steps)})


def _reply_request(state: TurnState, services: Services) -> tuple[GenerationRequest, int]:
    """The request to the model, and the length of its prompt in tokens."""
    tools = state.model_tools()
    max_tokens = _max_tokens(state)
    messages, n_tokens = fit_prompt(state, services.engine, max_tokens, tools=tools)
    request = GenerationRequest(
        messages=messages,
        max_tokens=max_tokens,
        sampling=Sampling(temperature=state.spec.model.temperature, top_p=state.spec.model.top_p),
        stop=state.spec.model.stop,
        deadline_s=services.deadline_s,
        tools=tools,
        grammar=_grammar(state, tools),
    )
    return request, n_tokens


def _grammar(state: TurnState, tools: tuple[ToolSpec, ...]) -> Grammar | None:
    """The constraint on a reply: the form of calls, or the schema that the API caller gave."""
    demanded = state.demanded_tools() if tools else ()
    if tools:
        return Grammar(tools=demanded or tools, required=bool(demanded))
    schema = state.user_message().overrides.answer_schema
    return Grammar(json_schema=schema) if schema is not None else None


def finished(decision: decisions.Finish, state: TurnState, services: Services, show: Show) -> Finished:
    """The answer with its citations. If it is empty, `show` gets a replacement."""
    text, passages = decision.text, state.passages()
    if not text and passages and state.spec.only_from_knowledge and not decision.calls:
        text = abstain(state.spec)
        show(text)
    titles = titles_in(state.steps) | {title_of(tool.title) for tool in state.tools.values() if tool.is_delegation}
    meaning = EmbeddedMeaning(services.embedder)
    grounding = ground(text, passages, meaning, state.question(), titles, state.spec.instructions)
    return Finished(
        text=text,
        **dict(grounding),
        coverage=decision.coverage,
        finish=decision.finish,
        tool_calls=decision.calls,
        label=context_label(state.history, state.steps),
    )


def _max_tokens(state: TurnState) -> int:
    """The longest reply in tokens: the limit of the GPT or the caller, but at most half of the model's context."""
    return min(state.spec.model.max_tokens, state.ability.context_tokens // 2)
