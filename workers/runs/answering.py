"""Computes the replies of a turn as values; perform.py stores and streams them."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

from gpts.knowledge.citations import ground
from gpts.knowledge.sentences import sentence_spans
from gpts.knowledge.support import is_claim
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.queries import retrieval_query
from gpts.runs.replies import CallIds
from gpts.runs.state import TurnState, reply_room
from gpts.runs.steps import ModelReply, ToolCall, ToolResult
from gpts.safety.flow import context_label
from gpts.spec.file_tools import QUERY_CHARS, SEARCH_FILES
from gpts.spec.tools import ToolSpec
from workers.engine.base import GenerationRequest, Grammar, PromptTooLong, Sampling
from workers.engine.checked import call_problem
from workers.engine.prompts import fit_prompt
from workers.knowledge.meaning import EmbeddedMeaning
from workers.runs.evidence import asked
from workers.runs.reply import ReplyCollector
from workers.runs.services import Services
from workers.runs.writing import Show

logger = logging.getLogger(__name__)

# A prompt that leaves room for less than this is too long, whatever a program allows for the reply.
LEAST_REPLY_TOKENS: Final = 256


def model_reply(
    state: TurnState,
    services: Services,
    show: Show,
    show_reasoning: Show = lambda text: None,
    show_logprobs: Callable[[Sequence[TokenLogprob]], None] = lambda tokens: None,
) -> ModelReply:
    """One reply of the model. Raises PromptTooLong, EngineError or what `show` raises."""
    request, n_tokens = _reply_request(state, services)
    schema = state.user_message().overrides.answer_schema
    if schema is not None and request.grammar and request.grammar.tools and not request.grammar.required:
        if calls := _calls(request, n_tokens, state, services, show_reasoning):
            return calls
        request = replace(request, grammar=Grammar(json_schema=schema))
    # JSON that follows a schema is for programs: replacing it would break it.
    for_people = request.grammar is None or request.grammar.json_schema is None
    collector = ReplyCollector(
        n_tokens,
        state.tools.keys() if for_people and not request.tools else (),
        may_decline=state.spec.only_from_knowledge and for_people,
        max_tokens=state.spec.model.max_tokens or state.ability.reply_tokens,
    )
    # What is shown at once cannot be taken back from programs.
    is_held = state.spec.only_from_knowledge and for_people and state.has_search and not _has_looked(state)
    show_held = show
    if is_held or state.withholds():  # else it is shown before it is known which of its sentences the files support
        show, show_logprobs = _nothing, _nothing
    rest: GenerationRequest | None = request
    ends_at = time.monotonic() + request.deadline_s
    while rest:
        with closing(services.engine.stream(rest)) as tokens:
            for token in tokens:
                show_reasoning(token.reasoning)
                show_logprobs(token.logprobs)
                show(collector.take(token))
                if collector.is_enough:
                    break
        if rest := _rest(rest, collector.begun, state, services):
            rest = replace(rest, deadline_s=max(0.0, ends_at - time.monotonic()))
            collector.go_on(n_tokens)
    show(collector.finish())
    reply = collector.step(state.call_ids())
    if is_held and _must_search(reply, state, services):
        reply = reply.model_copy(update={"text": "", "declined": False, "tool_calls": (_first_search(state),)})
    elif is_held and not state.withholds():
        show_held(reply.text)
    return _labelled(reply, state)


def _rest(request: GenerationRequest, begun: str, state: TurnState, services: Services) -> GenerationRequest | None:
    """The request for the rest of an answer that ended before its limit; None if there is none, or it cannot go on.

    A server may have a limit of its own, and a full context makes room by dropping more of the oldest turns.
    """
    may_go_on = begun and len(begun) > len(request.begun) and state.user_message().overrides.max_tokens is None
    has_pictures = any(message.pictures for message in request.messages)
    if not may_go_on or has_pictures or (request.grammar and request.grammar.json_schema is not None):
        return None
    if not services.engine.can_continue():
        return None
    written = (PromptMessage(role="assistant", content=begun),)
    try:
        messages, n_tokens = fit_prompt(state, services.engine, _room(state), written, request.tools)
    except PromptTooLong:
        return None
    max_tokens = min(_longest(state, bool(request.tools)), state.ability.context_tokens - n_tokens)
    return replace(request, messages=messages[:-1], max_tokens=max_tokens, begun=begun)


def _has_looked(state: TurnState) -> bool:
    """Whether the model has searched the files or called another tool in this turn."""
    return bool(state.searches()) or any(isinstance(step, ToolResult) for step in state.steps)


def _must_search(reply: ModelReply, state: TurnState, services: Services) -> bool:
    """Whether a GPT that answers only from its files answers a question, or declines it, without a look at them.

    What it found in earlier turns may be enough.
    """
    if reply.tool_calls or reply.only_reasons or asked(state, services) in ("small_talk", "about_gpt", "rewrite"):
        return False
    passages = state.passages()
    if reply.declined or not passages:
        sentences = (reply.text[span.start : span.end] for span in sentence_spans(reply.text))
        return reply.declined or any(is_claim(each, state.spec.instructions) for each in sentences)
    known = ground(reply.text, passages, EmbeddedMeaning(services.embedder), state.question())
    return any(each.level == "unsupported" for each in known.support)


def _first_search(state: TurnState) -> ToolCall:
    """The search that the model should have called for."""
    query = retrieval_query(state.history, state.steps)
    return ToolCall(
        call_id=CallIds(state.call_ids()).new(), name=SEARCH_FILES, arguments={"query": query[:QUERY_CHARS]}
    )


def _nothing(shown: object) -> None:
    """Shows nothing."""


def _calls(
    request: GenerationRequest, n_tokens: int, state: TurnState, services: Services, show_reasoning: Show
) -> ModelReply | None:
    """The calls that the model makes before it answers under the caller's schema; None once it begins to answer.

    No engine takes tools and a schema in one grammar, so that the answer is then written under the schema alone.
    """
    reply = ReplyCollector(n_tokens)
    with closing(services.engine.stream(request)) as tokens:
        for token in tokens:
            show_reasoning(token.reasoning)
            if reply.take(token):
                return None
    return _labelled(step, state) if (step := reply.step(state.call_ids())).tool_calls else None


def _labelled(reply: ModelReply, state: TurnState) -> ModelReply:
    """The reply with its label, and with what is wrong with its calls."""
    calls = tuple(call.model_copy(update={"problem": call_problem(call, state.tools)}) for call in reply.tool_calls)
    label = context_label(state.history, state.steps, state.tools)
    return reply.model_copy(update={"label": label, "tool_calls": calls})


def _reply_request(state: TurnState, services: Services) -> tuple[GenerationRequest, int]:
    """The request to the model, and the length of its prompt in tokens."""
    tools = state.model_tools()
    messages, n_tokens, max_tokens = _fitted(state, services, tools)
    overrides = state.user_message().overrides
    request = GenerationRequest(
        messages=messages,
        max_tokens=max_tokens,
        sampling=Sampling(
            temperature=state.spec.model.temperature,
            top_p=state.spec.model.top_p,
            seed=overrides.seed,
            presence_penalty=overrides.presence_penalty,
            frequency_penalty=overrides.frequency_penalty,
            logit_bias=overrides.logit_bias,
            top_logprobs=overrides.top_logprobs,
        ),
        reasoning_effort=overrides.reasoning_effort,
        stop=state.spec.model.stop,
        deadline_s=services.deadline_s,
        tools=tools,
        grammar=_grammar(state, tools),
    )
    return request, n_tokens


def _fitted(
    state: TurnState, services: Services, tools: tuple[ToolSpec, ...]
) -> tuple[tuple[PromptMessage, ...], int, int]:
    """The prompt, its length and the longest reply, in tokens. Raises PromptTooLong.

    Rather than refuse a message that leaves less room than a reply may take, the reply gets what is left.
    """
    room, context = _room(state), state.ability.context_tokens
    least = min(room, LEAST_REPLY_TOKENS)
    messages, n_tokens = fit_prompt(state, services.engine, room, (), tools, least)
    return messages, n_tokens, min(_longest(state, bool(tools)), context - n_tokens)


def _grammar(state: TurnState, tools: tuple[ToolSpec, ...]) -> Grammar | None:
    """The constraint on a reply: the form of calls, or the schema that the API caller gave."""
    demanded = state.demanded_tools() if tools else ()
    if tools:
        return Grammar(tools=demanded or tools, required=bool(demanded))
    schema = state.user_message().overrides.answer_schema
    return Grammar(json_schema=schema) if schema is not None else None


def _room(state: TurnState) -> int:
    """Tokens that the prompt leaves for the reply: half of the context if the last one came to nothing in less."""
    context, asked = state.ability.context_tokens, state.user_message().overrides.max_tokens
    if asked or state.n_ran_out():
        return min(asked or context, context // 2)
    return reply_room(state.spec, state.ability)


def _longest(state: TurnState, has_tools: bool) -> int:
    """The longest reply in tokens, as far as the prompt leaves room for it.

    The limit of a GPT is for the text that people read: reasoning and calls have room beside it. That of a caller
    includes them, as OpenAI's does.
    """
    if asked := state.user_message().overrides.max_tokens:
        return asked
    if state.n_ran_out():
        return state.ability.context_tokens
    text, ability = state.spec.model.max_tokens or 0, state.ability
    with_calls = max(text, ability.reply_tokens) if has_tools or not text else text
    return with_calls + ability.reasoning_tokens
