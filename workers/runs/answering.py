"""Computes the retrieval and the replies of a turn as values; perform.py stores and streams them."""

import logging
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.knowledge.grounding import Gate
from gpts.knowledge.ranking import budget_for
from gpts.knowledge.sentences import sentence_spans
from gpts.knowledge.superlatives import has_superlative
from gpts.runs.delegation import answers_in
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.queries import is_follow_up, retrieval_query, turns_before
from gpts.runs.search_texts import MAX_TOKENS, answer_request, read_written
from gpts.runs.state import TurnState, fit_whole, whole_attachments
from gpts.runs.steps import Finished, Intent, ModelReply, Retrieval, UserMessage
from gpts.safety.flow import context_label
from gpts.spec.gpt import KnowledgeRef
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
# A text to work on, in a message: after a colon, in quotation marks, or on lines of its own.
_HANDED_OVER: Final = re.compile(r":\s*\S.{20,}|[\"“„«].{20,}[\"”“»]|\n.{20,}", re.DOTALL)


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


def retrieval(state: TurnState, services: Services) -> Retrieval:
    """What the files of the turn hold on the question: those that are not read whole are searched.

    A model that writes answers decides itself whether the passages cover it. Raises FileError.
    """
    names = tuple(file.file_name for file in state.whole_files)
    searched = state.long_files()
    if not searched:
        return Retrieval(query=state.question(), whole_files=names, covered=True)
    intent, writes = state.intent(), state.ability.writes_from_sources
    if writes and intent and intent.intent == "rewrite" and (last := state.last_passages()):
        return Retrieval(query=state.question(), passages=last, covered=True, whole_files=names, reused=True)
    query = (intent.query if intent else "") or retrieval_query(state.history, state.steps)
    found = _search(searched, query, state, services)
    if has_superlative(state.question()) and services.index.n_tokens(searched) <= COMPARED_TOKENS:
        found = services.small.with_extremes(found, state, services.index.whole(searched))
    if not writes:
        return found
    return found.model_copy(update={"whole_files": names, "covered": bool(names or found.passages)})


def _search(refs: Sequence[KnowledgeRef], query: str, state: TurnState, services: Services) -> Retrieval:
    """What was found in `refs`: in the files that the message means first, and in the others.

    A model that writes answers gets the best of both; for another one, the others count if the first say nothing.
    """
    index = services.index
    intent, writes = state.intent(), state.ability.writes_from_sources
    meant = [file.id for file in state.new_files()] if writes or intent is None else intent.file_ids
    first = [ref for ref in refs if ref.file_id in meant]
    budget = budget_for(state.ability.context_tokens)
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
    # JSON that follows a schema is for programs: replacing a sentence would break it.
    for_people = request.grammar is None or request.grammar.json_schema is None
    is_strict = state.spec.only_from_knowledge and for_people
    gate = _gate(state, services) if is_strict else None

    def written(request: GenerationRequest, n_tokens: int, gate: Gate | None) -> ModelReply:
        tools = state.tools.keys() if state.must_answer() else ()
        limit = state.spec.model.max_tokens
        may_add = state.ability.keeps_to_sources
        collector = ReplyCollector(n_tokens, gate, tools, may_decline=is_strict, may_add=may_add, max_tokens=limit)
        with closing(services.engine.stream(request)) as tokens:
            for token in tokens:
                show_reasoning(token.reasoning)
                show_logprobs(token.logprobs)
                show(collector.take(token))
                if collector.is_enough:
                    break
        show(collector.finish())
        return collector.step(state.n_calls())

    reply = written(request, n_tokens, gate)
    if gate and gate.repeats and not reply.text:
        alone = _alone(state)
        again = written(*_reply_request(alone, services), _gate(alone, services))
        reply = again.model_copy(
            update={
                "prompt_tokens": reply.prompt_tokens + again.prompt_tokens,
                "completion_tokens": reply.completion_tokens + again.completion_tokens,
            }
        )
    return _labelled(reply, state)


def _earlier_answers(state: TurnState) -> list[str]:
    """The answers before this turn, unless it needs files that came with earlier messages."""
    if len(state.attached()) > len(state.new_files()):
        return []
    return [turn.answer for turn in turns_before(state.history, state.steps)[:-1]]


def _alone(state: TurnState) -> TurnState:
    """The turn without what was said before, which its question is completed from as for a search.

    Small models repeat an answer whatever is asked next: Qwen2.5-Coder-1.5B in 10 of 25 messages of a blind trial
    (2026-11), each time wrongly.
    """
    message = state.user_message()
    text = retrieval_query(state.history, state.steps) if is_follow_up(message.text) else message.text
    return TurnState(
        state.spec,
        state.ability,
        (message.model_copy(update={"text": text, "earlier": ()}), *state.steps[1:]),
        (),
        state.tools,
        whole_files=state.whole_files,
        pictures=state.pictures,
    )


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
    return _labelled(step, state) if (step := reply.step(state.n_calls())).tool_calls else None


def _labelled(reply: ModelReply, state: TurnState) -> ModelReply:
    """The reply with its label, and with what is wrong with its calls."""
    calls = tuple(call.model_copy(update={"problem": call_problem(call, state.tools)}) for call in reply.tool_calls)
    label = context_label(state.history, state.steps, state.tools)
    return reply.model_copy(update={"label": label, "tool_calls": calls})


def _gate(state: TurnState, services: Services) -> Gate | None:
    """What withholds sentences that the files do not support; None if there are none.

    None as well for a message that came with a picture: no text tells whether the model describes it rightly. The
    answer then says sentence by sentence what the files do not support. Of a reply to small talk, which rests on no
    file, those with a figure or name that nobody gave are withheld: "a good film tonight?" may be read as a farewell;
    and so of all replies of a model that keeps to its sources, which puts facts of several sentences into its words.
    """
    passages, wish = state.passages(), asked(state, services)
    if not passages or state.sees_new_picture():
        return None
    by_figures = wish != "question" or state.ability.keeps_to_sources
    language = services.small.language(state)
    return Gate(
        state.question(),
        known(state, everything=by_figures),
        EmbeddedMeaning(services.embedder),
        state.spec.instructions,
        by_figures=by_figures,
        asked_in="" if is_follow_up(state.question()) else language,
        language=language,
        gloss=services.small.gloss(passages),
        earlier=() if by_figures else _earlier_answers(state),
    )


def known(state: TurnState, *, everything: bool) -> tuple[Passage, ...]:
    """What an answer may rest on: the files, results of calls, and what was said, or `everything` of it."""
    return (*state.passages(), *results_as_passages(state), _said(state, everything=everything))


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


def _said(state: TurnState, *, everything: bool) -> Passage:
    """What a reply may repeat without a file: the GPT's own description, and texts that the person handed over.

    What a question supposes ("is it true that ...") is none of these. A text that is written for the person, one that
    answers small talk, and one of a model that keeps to its sources may repeat `everything` that was said, and what
    the GPT was told to be.
    """
    spec, steps = state.spec, [step for log in (*state.history, state.steps) for step in log]
    messages = [step.text for step in steps if isinstance(step, UserMessage)]
    known = [text for step in steps if isinstance(step, UserMessage) for text in step.background.remembered]
    if everything:
        earlier = (each.content for step in steps if isinstance(step, UserMessage) for each in step.earlier)
        answers = (step.text for step in steps if isinstance(step, Finished))
        said = [spec.instructions, state.user_message().background.days(), *earlier, *messages, *answers]
    else:
        texts = (found.group() for message in messages if (found := _HANDED_OVER.search(message)))
        sentences = (text[span.start : span.end] for text in texts for span in sentence_spans(text))
        said = [sentence for sentence in sentences if not sentence.rstrip('"”»').endswith(("?", "？"))]
    text = "\n\n".join((f"I am {spec.name}, an AI assistant.", spec.description, *known, *said))
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

    Programs often allow far longer replies than they expect: rather than refuse them, the reply gets what is left.
    """
    max_tokens = _max_tokens(state)
    try:
        return *fit_prompt(state, services.engine, max_tokens, tools=tools), max_tokens
    except PromptTooLong:
        if not state.user_message().overrides.max_tokens or max_tokens <= LEAST_REPLY_TOKENS:
            raise
    messages, n_tokens = fit_prompt(state, services.engine, LEAST_REPLY_TOKENS, tools=tools)
    return messages, n_tokens, state.ability.context_tokens - n_tokens


def _grammar(state: TurnState, tools: tuple[ToolSpec, ...]) -> Grammar | None:
    """The constraint on a reply: the form of calls, or the schema that the API caller gave."""
    demanded = state.demanded_tools() if tools else ()
    if tools:
        return Grammar(tools=demanded or tools, required=bool(demanded))
    schema = state.user_message().overrides.answer_schema
    return Grammar(json_schema=schema) if schema is not None else None


def _max_tokens(state: TurnState) -> int:
    """The longest reply in tokens: the limit of the GPT or the caller, but at most half of the model's context.

    A model that reasons may do so beyond the limit of the GPT; that of a caller includes reasoning, as OpenAI's does.
    """
    more = 0 if state.user_message().overrides.max_tokens else state.ability.reasoning_tokens
    return min(state.spec.model.max_tokens + more, state.ability.context_tokens // 2)
