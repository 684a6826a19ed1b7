"""Computes the retrieval and the replies of a turn as values; perform.py stores and streams them."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

from gpts.knowledge.citations import ground
from gpts.knowledge.documents import Passage
from gpts.knowledge.ranking import budget_for
from gpts.knowledge.sentences import sentence_spans
from gpts.knowledge.superlatives import has_superlative
from gpts.knowledge.support import is_claim
from gpts.runs.delegation import answers_in
from gpts.runs.file_calls import meant_files
from gpts.runs.left_out import supported_text
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.queries import retrieval_query
from gpts.runs.replies import CallIds
from gpts.runs.search_texts import MAX_TOKENS, answer_request, read_written
from gpts.runs.state import CHARS_PER_TOKEN, TurnState, fit_whole, reply_room, room, whole_attachments
from gpts.runs.steps import Finished, Intent, ModelReply, Retrieval, ToolCall, ToolResult, UserMessage
from gpts.safety.flow import context_label
from gpts.spec.file_tools import QUERY_CHARS, SEARCH_FILES
from gpts.spec.gpt import GptSpec, KnowledgeRef
from gpts.spec.tools import ToolSpec
from workers.engine.base import EngineError, GenerationRequest, Grammar, PromptTooLong, Sampling
from workers.engine.checked import call_problem
from workers.engine.prompts import fit_prompt
from workers.isolation.errors import FileError
from workers.knowledge.errors import AttachmentGone
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.meaning import EmbeddedMeaning
from workers.runs.reply import ReplyCollector
from workers.runs.services import Services
from workers.runs.writing import Show, write

logger = logging.getLogger(__name__)

GONE: Final = "“{name}” can no longer be read. Attach it again, or start a new chat."
# Of files that are no longer than this together, every sentence may be the answer of a model that only quotes.
QUOTED_WHOLE_TOKENS: Final = 4_000
# Of files that are no longer than this together, all rows are compared: a second or less.
COMPARED_TOKENS: Final = 100_000
# How long a search waits for a likely answer.
LIKELY_S: Final = 8.0
# A prompt that leaves room for less than this is too long, whatever a program allows for the reply.
LEAST_REPLY_TOKENS: Final = 256


def whole_files(state: TurnState, services: Services) -> tuple[Passage, ...]:
    """The files as they become part of the prompt of this turn. Raises FileError."""
    index, own = services.index, state.spec.knowledge
    for file in state.attached():
        try:
            index.n_tokens([file.as_knowledge()])
        except FileError as error:
            raise AttachmentGone(GONE.format(name=file.name)) from error
    if not (state.ability.writes_from_sources and state.files()):
        return ()
    n_tokens = index.n_tokens(own)
    kept = own if fit_whole(n_tokens, state.spec, state.ability) else ()
    attached = whole_attachments(state, n_tokens if kept else 0, searches_own=bool(own and not kept))
    whole = [*kept, *(file.as_knowledge() for file in attached)]
    return index.whole(whole) if whole else ()


def retrieval(state: TurnState, services: Services, call: ToolCall | None = None) -> Retrieval:
    """What the files of the turn hold on the question, or on what the model's `call` asks.

    Those that are not read whole are searched. A model that writes answers decides itself whether the passages cover
    the question. Raises FileError.
    """
    if call:
        return _called_search(call, state, services)
    names = tuple(file.file_name for file in state.whole_files)
    searched = state.long_files()
    if not searched or state.has_search:
        return Retrieval(query=state.question(), whole_files=names, covered=True)
    intent, writes = state.intent(), state.ability.writes_from_sources
    is_same = state.goes_on() or (intent and intent.intent == "rewrite")
    if writes and is_same and (last := state.last_passages()):
        return Retrieval(query=state.question(), passages=last, covered=True, whole_files=names, reused=True)
    query = (intent.query if intent else "") or retrieval_query(state.history, state.steps)
    found = _search(searched, query, state, services)
    if not writes:
        return found
    return found.model_copy(update={"whole_files": names, "covered": bool(names or found.passages)})


def _called_search(call: ToolCall, state: TurnState, services: Services) -> Retrieval:
    """What the model's call finds. Its query is one already, so that no likely answer is guessed for it."""
    query, alone = str(call.arguments.get("query", "")), replace(services, expands_queries=False)
    found = _search(meant_files(call, state), query, state, alone)
    return found.model_copy(update={"covered": bool(found.passages), "call_id": call.call_id})


def _search(refs: Sequence[KnowledgeRef], query: str, state: TurnState, services: Services) -> Retrieval:
    """What was found in `refs`, and the rows that a superlative in the question asks for."""
    found = _best(refs, query, state, services)
    if has_superlative(state.question()) and services.index.n_tokens(refs) <= COMPARED_TOKENS:
        return services.small.with_extremes(found, state, services.index.whole(refs))
    return found


def _best(refs: Sequence[KnowledgeRef], query: str, state: TurnState, services: Services) -> Retrieval:
    """What was found in `refs`: in the files that the message means first, and in the others.

    A model that writes answers gets the best of both; for another one, the others count if the first say nothing.
    """
    index = services.index
    intent, writes = state.intent(), state.ability.writes_from_sources
    meant = [file.id for file in state.new_files()] if writes or intent is None else intent.file_ids
    first = [ref for ref in refs if ref.file_id in meant]
    budget = _passages_budget(state)
    if not writes:
        found = _quotable(first or refs, query, budget, index)
        is_answered = not first or found.covered or services.small.extract(found, state).covered
        return found if is_answered else _quotable(refs, query, budget, index)
    likely = ""
    if services.expands_queries:
        likely = likely_answer(query, replace(services, deadline_s=LIKELY_S))
    if not first or len(first) == len(refs):
        return index.search(refs, query, budget, likely)
    others = [ref for ref in refs if ref not in first]
    one, other = (index.search(each, query, budget // 2, likely) for each in (first, others))
    return one.model_copy(update={"passages": one.passages + other.passages, "n_files": len(refs)})


def _passages_budget(state: TurnState) -> int:
    """Tokens for the passages of a search; of one that the model calls for, beside those of the turn so far."""
    most = budget_for(state.ability.context_tokens)
    if not state.has_search:
        return most
    n_given = sum(len(each.text) for found in state.searches() for each in found.passages)
    n_whole = sum(len(file.text) for file in state.whole_files)
    left = room(state.spec, state.ability) - (n_given + n_whole) // CHARS_PER_TOKEN
    return max(1, min(most, left // 2))


def likely_answer(query: str, services: Services) -> str:
    """A guess of the model, as far as it came in time; empty if there is none."""
    try:
        return read_written(write(answer_request(query), MAX_TOKENS, services, lambda text: None).text)
    except EngineError as error:
        logger.warning("a question is searched without a likely answer: %s", error)
        return ""


def _quotable(refs: Sequence[KnowledgeRef], query: str, budget: int, index: KnowledgeIndex) -> Retrieval:
    """What was found in `refs` for a model that only quotes: all of them if they are short."""
    found = index.search(refs, query, budget)
    if index.n_tokens(refs) <= QUOTED_WHOLE_TOKENS:
        # Whether a question is covered can be told among many passages, hardly among those of a page or two.
        found = found.model_copy(update={"passages": index.whole(refs), "covered": True})
    return found


def outline(state: TurnState, services: Services) -> Retrieval:
    """The outline of the files that the message means. Raises FileError."""
    intent = state.intent()
    assert intent is not None
    refs = [ref for ref in state.files() if ref.file_id in intent.file_ids]
    return services.small.outline(state, services.index.whole(refs))


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
        state.tools.keys() if state.must_answer() else (),
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


def known(state: TurnState) -> tuple[Passage, ...]:
    """What the names and figures of an answer may come from: the files, results of calls, and all that was said."""
    return (*state.passages(), *results_as_passages(state), _everything_said(state))


def results_as_passages(state: TurnState) -> tuple[Passage, ...]:
    """What calls returned as plain text, which supports sentences like a file but cannot be opened like one.

    First of these, the answers of other GPTs.
    """
    return answers_in(state.steps) + tuple(
        Passage(file_id="", file_name="", segment="", chunk=n, text=text, start=0, end=len(text), untrusted=True)
        for n, text in enumerate(state.results())
    )


def asked(state: TurnState, services: Services) -> Intent:
    """What the message asks for, as the model took it, or else as code reads it."""
    told = state.intent()
    return told.intent if told and told.intent != "question" else services.small.asks_for(state)


def said(state: TurnState) -> Passage:
    """What a sentence may rest on without a file: what the creator and the person stated.

    What a question supposes ("is it true that ...") is not stated, nor are earlier answers.
    """
    spec, sentences = state.spec, []
    for message in _messages(state):
        spans = (message.text[span.start : span.end] for span in sentence_spans(message.text))
        sentences += [each for each in spans if not each.rstrip('"”»').endswith(("?", "？"))]
        sentences += message.background.remembered
    return _as_passage(spec, sentences)


def _everything_said(state: TurnState) -> Passage:
    spec, steps = state.spec, [step for log in (*state.history, state.steps) for step in log]
    messages = _messages(state)
    earlier = (each.content for message in messages for each in message.earlier)
    answers = (supported_text(step) for step in steps if isinstance(step, Finished))
    remembered = (text for message in messages for text in message.background.remembered)
    days = state.user_message().background.days()
    texts = (each.text for each in messages)
    return _as_passage(spec, (spec.instructions, *remembered, days, *earlier, *texts, *answers))


def _messages(state: TurnState) -> list[UserMessage]:
    steps = (step for log in (*state.history, state.steps) for step in log)
    return [step for step in steps if isinstance(step, UserMessage)]


def _as_passage(spec: GptSpec, texts: Iterable[str]) -> Passage:
    """The GPT's own description, and then these texts."""
    text = "\n\n".join((f"I am {spec.name}, an AI assistant.", spec.description, *texts))
    return Passage(file_id="", file_name=spec.name, segment="", chunk=0, text=text, start=0, end=len(text))


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
