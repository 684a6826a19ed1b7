"""Computes the answer that ends a turn, with what supports it; perform.py stores and streams it."""

from collections.abc import Sequence
from typing import Final

from gpts.knowledge.citations import Grounding, ground, ground_list
from gpts.knowledge.documents import Citation, Passage, SentenceSupport
from gpts.knowledge.extracts import closest
from gpts.knowledge.figures import figures
from gpts.knowledge.grounding import TAIL_CHARS
from gpts.knowledge.judging import Judge
from gpts.knowledge.ranking import budget_for
from gpts.runs import decisions
from gpts.runs.delegation import answers_in, through_answers, title_of, titles_in
from gpts.runs.fixed_replies import decline, fixed_reply
from gpts.runs.queries import retrieval_query
from gpts.runs.state import TurnState
from gpts.runs.steps import Coverage, Finished, Log, ModelReply, Retrieval
from gpts.safety.flow import context_label
from workers.knowledge.meaning import EmbeddedMeaning
from workers.runs.answering import asked, known, results_as_passages
from workers.runs.reply_limits import counted, limited_end
from workers.runs.services import Services
from workers.runs.writing import Show

# Passages whose sentences are compared with a question that the answer declines.
_CLOSEST_PASSAGES: Final = 6


def finished(decision: decisions.Finish, state: TurnState, services: Services, show: Show) -> Finished:
    """The answer with its citations. If nothing is said, `show` gets what the files say, or the decline."""
    if _declines(decision, state):
        quotes = _quotes(state, services) if _is_withheld(state) else None
        end = _small_talk(state, services) or quotes or _decline(state, services)
        end = limited_end(end.model_copy(update={"text": end.text + _unread(state)}), state, services.engine)
        show(end.text)
        return counted(end, state, services.engine)
    text, passages = decision.text, state.passages()
    writes = state.ability.writes_from_sources
    has_sources = passages or (writes and answers_in(state.steps))
    sources = (*passages, *results_as_passages(state)) if has_sources else ()
    if text and not decision.calls and state.user_message().overrides.answer_schema is None:
        text += _unread(state)
        show(text.removeprefix(decision.text))
    titles = titles_in(state.steps) | {title_of(tool.title) for tool in state.tools.values() if tool.is_delegation}
    meaning = EmbeddedMeaning(services.embedder)
    intent, found = state.intent(), state.retrieval()
    own = "\n".join((state.spec.instructions, _unread(state), *((intent.note, intent.lead) if intent else ())))
    listed = ground_list(text, found.extract, found.passages) if found and found.whole_files else None
    gloss = services.small.gloss(passages if writes else ())
    grounding = listed or _openable(ground(text, sources, meaning, state.question(), titles, own, gloss), state.steps)
    if not grounding.citations and _is_about_else(passages, state):
        grounding = Grounding()
    if not passages:  # without files, what another GPT did not say lacks nothing
        kept = tuple(each for each in grounding.support if each.level in ("supported", "partly"))
        grounding = grounding.model_copy(update={"support": kept})
    # Sentences of the files need no judgement, even where their list or table was taken apart; nor do fixed replies
    # and results of calls: a model that does not write from sources gives nothing else.
    quoted = not state.ability.writes_from_sources or (found and found.extract and found.extract in text)
    support = _as_quotes(grounding.support) if quoted else _told(grounding, text, state, services)
    coverage = _coverage(decision, state, grounding, support, services)
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
    return counted(end, state, services.engine)


def _as_quotes(support: Sequence[SentenceSupport]) -> tuple[SentenceSupport, ...]:
    """The support of an answer that only repeats the files: "supported" would say that somebody had checked it."""
    cited = (each for each in support if each.level != "unsupported")
    return tuple(each.model_copy(update={"level": "quoted"}) for each in cited)


def _told(grounding: Grounding, text: str, state: TurnState, services: Services) -> tuple[SentenceSupport, ...]:
    """What readers are told of the support of the `text` that a model wrote.

    Replies to small talk need none. Of a model that keeps to its sources, that no one place of the files says a
    sentence says nothing against it, as it may be put together, calculated or reworded; a name or figure that is
    nowhere does.
    """
    if not grounding.citations and asked(state, services) in ("small_talk", "about_gpt"):
        return ()
    if not state.ability.keeps_to_sources or all(each.level != "unsupported" for each in grounding.support):
        return grounding.support
    judge = Judge(known(state, everything=True), state.question(), EmbeddedMeaning(services.embedder))

    def is_new(each: SentenceSupport) -> bool:
        start, end = each.answer_start, each.answer_end
        around = text[max(0, end - TAIL_CHARS) : end + TAIL_CHARS]  # what follows may be the formula of a total
        return not judge.knows_names_and_figures(text[start:end], around)

    return tuple(each for each in grounding.support if each.level != "unsupported" or is_new(each))


def _openable(found: Grounding, log: Log) -> Grounding:
    """What was found, with citations that people can open, or that say which other GPT gave the sentence."""
    return found.model_copy(update={"citations": through_answers(found.citations, log)})


def _unread(state: TurnState) -> str:
    """What of the files was not read for this answer, as its last paragraph; empty if nothing."""
    found = state.retrieval()
    return f"\n\n{found.unread}" if found and found.unread else ""


def _declines(decision: decisions.Finish, state: TurnState) -> bool:
    """Whether nothing is said to a question that only the files may answer, and not for lack of room."""
    last = _last_reply(state)
    if (decision.text and not last.declined) or decision.calls or last.only_reasons:
        return False
    if state.user_message().overrides.answer_schema is not None:
        return False  # prose would be no value under the caller's schema
    if not (state.retrieval() or state.passages()):
        return False
    return state.spec.only_from_knowledge or not state.ability.writes_from_sources


def _is_about_else(passages: Sequence[Passage], state: TurnState) -> bool:
    """Whether an answer without citations had only files of earlier messages, which need not be its subject."""
    earlier = {file.id for file in state.attached()}.difference(file.id for file in state.new_files())
    return not state.spec.knowledge and all(passage.file_id in earlier for passage in passages)


def _is_withheld(state: TurnState) -> bool:
    last = _last_reply(state)
    return last.n_withheld > 0 and not last.declined


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


def _quotes(state: TurnState, services: Services) -> Finished | None:
    """Sentences of the files in place of an answer that they do not support; None if none is close."""
    found = services.small.extract(_found(state, services), state)
    if not found.extract:
        return None
    lead = fixed_reply(services.small.language(state), "passages" if found.covered else "unsure")
    text = f"{lead}\n\n{found.extract}"
    grounding = ground(text, found.passages, EmbeddedMeaning(services.embedder), state.question(), instructions=lead)
    return Finished(
        text=text,
        citations=grounding.citations,
        coverage="covered" if found.covered else "not_covered",
        label=context_label(state.history, state.steps, state.tools),
    )


def _decline(state: TurnState, services: Services) -> Finished:
    return Finished(
        text=decline(services.small.language(state), state.spec, _last_reply(state).text),
        coverage="not_covered",
        closest=_closest(state, services),
        label=context_label(state.history, state.steps, state.tools),
    )


def _coverage(
    decision: decisions.Finish,
    state: TurnState,
    grounding: Grounding,
    told: Sequence[SentenceSupport],
    services: Services,
) -> Coverage:
    """Whether the files cover the question: judged by what the answer rests on if a model wrote it from them."""
    if not (state.ability.writes_from_sources and any(isinstance(step, ModelReply) for step in state.steps)):
        return decision.coverage
    if any(each.file_id or each.url for each in grounding.citations):
        return "covered"
    if decision.coverage != "covered" or not state.passages():
        return decision.coverage
    # A text that was written, a summary or a greeting asks nothing of the files.
    if not grounding.support or asked(state, services) != "question":
        return "no_knowledge"
    if state.ability.keeps_to_sources:  # figures that follow from those of the files are theirs
        is_new = any(each.level == "unsupported" for each in told)
        return "covered" if figures(decision.text) and not is_new else "not_covered"
    # Where no sentence can be compared with the files, the question is.
    is_unchecked = all(each.level == "not_checked" for each in grounding.support)
    is_covered = is_unchecked and services.small.extract(_found(state, services), state).covered
    return "covered" if is_covered else "not_covered"


def _closest(state: TurnState, services: Services) -> tuple[Citation, ...]:
    """What of the files is closest to a question that they do not answer; none for a weak model, which quotes it."""
    if state.retrieval() is None or not state.ability.writes_from_sources:
        return ()
    query = retrieval_query(state.history, state.steps)
    passages = _found(state, services).passages
    return closest(query, passages[:_CLOSEST_PASSAGES], services.embedder.similarity, services.small.reads)


def _found(state: TurnState, services: Services) -> Retrieval:
    """What the files hold on the question, also those that the model read whole."""
    found = state.retrieval()
    if found is not None and not found.whole_files:
        return found
    query = retrieval_query(state.history, state.steps)
    return services.index.search(state.files(), query, budget_for(state.ability.context_tokens))
