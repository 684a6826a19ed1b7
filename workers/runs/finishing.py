"""Computes the answer that ends a turn, with what supports it; perform.py stores and streams it."""

from collections.abc import Container, Sequence
from functools import partial
from typing import Final

from gpts.knowledge.citations import Basis, Grounding, ground, ground_list
from gpts.knowledge.documents import Citation, Passage, SentenceSupport
from gpts.knowledge.extracts import closest
from gpts.knowledge.figures import figures
from gpts.knowledge.ranking import budget_for
from gpts.knowledge.support import plain
from gpts.runs import decisions
from gpts.runs.delegation import answers_in, through_answers, title_of, titles_in
from gpts.runs.fixed_replies import decline
from gpts.runs.left_out import without
from gpts.runs.queries import retrieval_query
from gpts.runs.state import TurnState
from gpts.runs.steps import Coverage, Finished, Intent, Log, ModelReply, Retrieval
from gpts.safety.flow import context_label
from workers.engine.verifying import supported
from workers.knowledge.meaning import EmbeddedMeaning
from workers.runs.evidence import asked, known, results_as_passages, said
from workers.runs.reply_limits import counted, is_written, limited_end
from workers.runs.services import Services
from workers.runs.writing import Show

# Passages whose sentences are compared with a question that the answer declines.
_CLOSEST_PASSAGES: Final = 6
# An answer of which less than this share of the sentences would be left declines in its place.
_LEAST_SHARE: Final = 0.5


def finished(decision: decisions.Finish, state: TurnState, services: Services, show: Show) -> Finished:
    """The answer with its citations; `show` gets what of it is not shown yet."""
    if _declines(decision, state):
        return _shown_decline(_small_talk(state, services) or _decline(state, services), state, services, show)
    text, passages = decision.text, state.passages()
    writes = state.ability.writes_from_sources
    has_sources = passages or (writes and answers_in(state.steps))
    sources = (*passages, *results_as_passages(state)) if has_sources else ()
    shown = "" if state.withholds() and is_written(text, state) else text
    if text and not decision.calls and state.user_message().overrides.answer_schema is None:
        text += _unread(state)
    titles = titles_in(state.steps) | {title_of(tool.title) for tool in state.tools.values() if tool.is_delegation}
    found = state.retrieval()
    listed = ground_list(text, found.extract, found.passages) if found and found.whole_files else None
    is_judged = bool(passages) or (state.spec.only_from_knowledge and state.has_search)
    # Sentences of the files need no judgement, even where their list or table was taken apart; nor do fixed replies
    # and results of calls: a model that does not write from sources gives nothing else.
    quoted = not writes or bool(found and found.extract and found.extract in text)
    wish = asked(state, services) if writes else "question"
    basis = _basis(state, services, titles, wish, is_judged=is_judged, quoted=quoted)
    cited = ground(text, sources, EmbeddedMeaning(services.embedder), state.question(), basis)
    grounding = listed or _openable(cited, state.steps)
    if not grounding.citations and _is_about_else(passages, state):
        grounding = Grounding()
    if not is_judged:  # without files, what another GPT did not say lacks nothing
        kept = tuple(each for each in grounding.support if each.level in ("supported", "partly"))
        grounding = grounding.model_copy(update={"support": kept})
    support = _as_quotes(grounding.support) if quoted else _told(grounding, state, wish)
    coverage = _coverage(decision, state, grounding, support, wish, services)
    offers = coverage == "not_covered" and not grounding.citations
    end = Finished(
        text=text,
        citations=grounding.citations,
        support=support,
        closest=_closest(state, services) if offers else (),
        coverage=coverage,
        finish=decision.finish,
        stop_sequence=decision.stop_sequence,
        tool_calls=decision.calls,
        label=context_label(state.history, state.steps, state.tools),
    )
    if state.withholds():
        end = _withheld(end, state, services)
        if not end.text:
            return _shown_decline(end, state, services, show)
    show(end.text.removeprefix(shown))
    return counted(end, state, services.engine)


def _shown_decline(end: Finished, state: TurnState, services: Services, show: Show) -> Finished:
    """`end` as it is shown, with a decline if it has no text."""
    if not end.text:
        kept = {"n_withheld": end.n_withheld, "withheld": end.withheld}
        end = _decline(state, services).model_copy(update=kept)
    end = limited_end(end.model_copy(update={"text": end.text + _unread(state)}), state, services.engine)
    show(end.text)
    return counted(end, state, services.engine)


def _withheld(end: Finished, state: TurnState, services: Services) -> Finished:
    """`end` without the sentences that nothing supports; without a text if those left would be no answer."""
    left_out = [each for each in end.support if each.level == "unsupported"]
    if not left_out:
        return end
    sentences = tuple(plain(end.text[each.answer_start : each.answer_end]) for each in left_out)
    withheld = {"n_withheld": len(sentences), "withheld": sentences if state.spec.unsupported == "fold" else ()}
    if _is_mostly_unsupported(end.support):
        return end.model_copy(update={**withheld, "text": ""})
    return without(end, left_out).model_copy(update=withheld)


def _is_mostly_unsupported(support: Sequence[SentenceSupport]) -> bool:
    n_unsupported = sum(each.level == "unsupported" for each in support)
    return n_unsupported > (1 - _LEAST_SHARE) * len(support)


def _as_quotes(support: Sequence[SentenceSupport]) -> tuple[SentenceSupport, ...]:
    """The support of an answer that only repeats the files: "supported" would say that somebody had checked it."""
    kept = (each for each in support if each.level != "unsupported")
    return tuple(each if each.level == "result" else each.model_copy(update={"level": "quoted"}) for each in kept)


def _basis(
    state: TurnState, services: Services, titles: Container[str], wish: Intent, *, is_judged: bool, quoted: bool
) -> Basis:
    """What the sentences of the turn's answer may rest on beside the passages."""
    intent, writes = state.intent(), state.ability.writes_from_sources
    own = (state.spec.instructions, _unread(state), *((intent.note, intent.lead) if intent else ()))
    is_question = wish == "question" or state.sees_new_picture()
    is_text = _last_reply(state).declined or not is_question
    verifies = state.ability.verifies and is_judged and not quoted
    return Basis(
        titles=titles,
        instructions="\n".join(own),
        gloss=services.small.gloss(state.passages() if writes else ()),
        said=said(state) if writes and is_judged else None,
        known=() if quoted else known(state),
        verify=partial(supported, state=state, engine=services.engine) if verifies else None,
        # Of a model that keeps to its sources, that no one place of the files says a sentence says nothing against
        # it, as it may be put together or reworded; a name or figure that is nowhere does. What a text that was
        # wanted, or a decline, says in words of its own needs no place in the files.
        drops_open=is_text or state.ability.keeps_to_sources,
        denies_open=not is_text,
    )


def _told(grounding: Grounding, state: TurnState, wish: Intent) -> tuple[SentenceSupport, ...]:
    """What readers are told of the support of a text; small talk needs none where a GPT may say what it likes."""
    is_talk = wish in ("small_talk", "about_gpt") and not grounding.citations
    return () if is_talk and not state.spec.only_from_knowledge else grounding.support


def _openable(found: Grounding, log: Log) -> Grounding:
    """What was found, with citations that people can open, or that say which other GPT gave the sentence."""
    return found.model_copy(update={"citations": through_answers(found.citations, log)})


def _unread(state: TurnState) -> str:
    """What of the files was not read for this answer, as its last paragraph; empty if nothing."""
    found = (step.unread for step in state.steps if isinstance(step, Retrieval))
    return "".join(f"\n\n{each}" for each in dict.fromkeys(filter(None, found)))


def _declines(decision: decisions.Finish, state: TurnState) -> bool:
    """Whether nothing is said to a question that only the files may answer, and not for lack of room."""
    last = _last_reply(state)
    if decision.text or decision.calls or last.only_reasons:
        return False
    if state.user_message().overrides.answer_schema is not None:
        return False  # prose would be no value under the caller's schema
    if not (state.files() or state.passages()):
        return False
    return state.spec.only_from_knowledge or not state.ability.writes_from_sources


def _is_about_else(passages: Sequence[Passage], state: TurnState) -> bool:
    """Whether an answer without citations had only files of earlier messages, which need not be its subject."""
    earlier = {file.id for file in state.attached()}.difference(file.id for file in state.new_files())
    return not state.spec.knowledge and all(passage.file_id in earlier for passage in passages)


def _last_reply(state: TurnState) -> ModelReply:
    """The model's last reply; an empty one if it wrote none."""
    return next((step for step in reversed(state.steps) if isinstance(step, ModelReply)), ModelReply(text=""))


def _small_talk(state: TurnState, services: Services) -> Finished | None:
    """The fixed reply to a message that asks for no fact, if the model said nothing that may be shown.

    Small models decline a greeting, or answer "are you a person?" with yes.
    """
    read = services.small.read_intent(state)
    if read.intent not in ("small_talk", "about_gpt") or not read.answer:
        return None
    label = context_label(state.history, state.steps, state.tools)
    return Finished(text=read.answer, coverage="no_knowledge", label=label)


def _decline(state: TurnState, services: Services) -> Finished:
    return Finished(
        text=decline(services.small.language(state), state.spec),
        coverage="not_covered",
        closest=_closest(state, services),
        label=context_label(state.history, state.steps, state.tools),
    )


def _coverage(
    decision: decisions.Finish,
    state: TurnState,
    grounding: Grounding,
    told: Sequence[SentenceSupport],
    wish: Intent,
    services: Services,
) -> Coverage:
    """Whether the files cover the question: judged by what the answer rests on if a model wrote it from them."""
    if not (state.ability.writes_from_sources and any(isinstance(step, ModelReply) for step in state.steps)):
        return decision.coverage
    if _last_reply(state).declined:
        return "not_covered"
    if any(each.file_id or each.url for each in grounding.citations):
        return "not_covered" if _is_mostly_unsupported(told) else "covered"
    if decision.coverage != "covered" or not state.passages():
        return decision.coverage
    # A text that was written, a summary or a greeting asks nothing of the files.
    if not (grounding.support or grounding.n_dropped) or wish != "question":
        return "no_knowledge"
    if state.ability.keeps_to_sources:  # figures that follow from those of the files are theirs
        is_new = any(each.level == "unsupported" for each in told)
        return "covered" if figures(decision.text) and not is_new else "not_covered"
    # Where no sentence can be compared with the files, the question is.
    is_unchecked = all(each.level == "not_checked" for each in grounding.support)
    is_covered = is_unchecked and services.small.extract(_found(state, services), state).covered
    return "covered" if is_covered else "not_covered"


def _closest(state: TurnState, services: Services) -> tuple[Citation, ...]:
    """What of the files is closest to a question that they do not answer."""
    if not state.files():
        return ()
    found = _found(state, services)
    if found.extract:  # which a weak model would have quoted, had it been sure of it
        quoted = ground(found.extract, found.passages).citations
        return tuple(each.model_copy(update={"answer_start": 0, "answer_end": 0}) for each in quoted)
    query = retrieval_query(state.history, state.steps)
    passages = found.passages[:_CLOSEST_PASSAGES]
    return closest(query, passages, services.embedder.similarity, services.small.reads)


def _found(state: TurnState, services: Services) -> Retrieval:
    """What the files hold on the question, also those that the model read whole."""
    searched = [step for step in state.steps if isinstance(step, Retrieval) and not step.whole_files]
    if searched:
        return searched[-1]
    query = retrieval_query(state.history, state.steps)
    return services.index.search(state.files(), query, budget_for(state.ability.context_tokens))
