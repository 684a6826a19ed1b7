"""Answers for models that cannot write them: the best sentences of the files, and the results of calls."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.citations import (
    CLOSE_SHARE,
    SURE_SCORE,
    Extract,
    Similarity,
    extractive_answer,
)
from gpts.knowledge.documents import Citation, Passage
from gpts.runs.decisions import Finish
from gpts.runs.delegation import listed_answers
from gpts.runs.queries import retrieval_query
from gpts.runs.state import TurnState
from gpts.runs.steps import Delegation, ModelReply, Retrieval, ToolResult
from gpts.spec.tools import ToolSpec
from workers.smallmodel.arguments.ready import runs_code
from workers.smallmodel.conversation.intents import said_before, subject
from workers.smallmodel.conversation.spelling import in_words_of

CODE_FAILED: Final = (
    "That did not work ({reason}). This model can only run simple code: write the calculation out (17 * 23), or name "
    "the columns of an attached table."
)
# Sentences are shown if they score this share of the best one. On 258 questions of dialogues 81 % then see a sentence
# with the answer among 2.0 on average, at 0.8 75 % among 1.7 (2026-11).
SHOWN_SHARE: Final = 0.7
# From this score covering passages count as the answer although the best sentence need not be the right one: of 526
# questions of dialogues by three authors that the files answer 69 % reach 0.34, of 53 that they do not 23 %; of 120
# about other files 2 % (2026-11). From the next one they are offered with a line that says so, and to what is more
# likely a remark. On 40 questions about eight small files, not used for tuning, 60 % of near misses are then declined
# and 18 % of what the files answer, at 0.34 40 and 15 % (2026-11).
COVERED_SCORE: Final = 0.45
OFFERED_SCORE: Final = 0.08
TALK_SCORE: Final = 0.4
# Paragraphs up to this length are offered whole.
PARAGRAPH_CHARS: Final = 400


def with_extract(found: Retrieval, state: TurnState, similarity: Similarity) -> Retrieval:
    """`found` with the sentences that answer its query, and whether they do; if in doubt, with the closest ones.

    Where the query says more than the message, which depends on the conversation, the message counts as much.
    """
    texts = [passage.text for passage in found.passages]
    intent = state.intent()
    says = intent.query if intent and intent.intent == "question" else ""
    wording = in_words_of(texts, found.query, says or state.question(), before=said_before(state))
    query, own = wording.texts
    best = partial(extractive_answer, query, found.passages, similarity, own_words=own, translate=wording.translate)
    # What a file says about something is more than one sentence.
    extract = best(least_share=CLOSE_SHARE if subject(state.question()) else SHOWN_SHARE)
    is_sure = extract.score >= SURE_SCORE and not _is_of_strangers(extract, found)
    is_talk = intent is not None and intent.intent in ("small_talk", "about_gpt")
    if not is_sure and extract.score < (TALK_SCORE if is_talk else OFFERED_SCORE):
        return found.model_copy(update={"covered": False, "extract": ""})
    if is_sure:
        return found.model_copy(update={"covered": True, "extract": extract.text})
    # More of them, with what is around them, as the best may not be the right one.
    near = best(least_share=CLOSE_SHARE)
    is_known = not _is_of_strangers(extract, found)
    is_covered = found.covered and is_known and not is_talk and near.score >= COVERED_SCORE
    return found.model_copy(update={"covered": is_covered, "extract": _paragraphs(near, found.passages)})


def _is_of_strangers(extract: Extract, found: Retrieval) -> bool:
    """Whether all of it is from files that lack a name, number or code of the question."""
    return all(each.segment in found.strangers for each in extract.citations)


def _paragraphs(extract: Extract, passages: Sequence[Passage]) -> str:
    """The paragraphs of the extract's sentences; of a long one, the sentence alone."""
    found: dict[str, None] = {}
    for citation in extract.citations:
        passage = next(each for each in passages if each.segment == citation.segment and _holds(each, citation))
        start, end = citation.start - passage.start, citation.end - passage.start
        first = passage.text.rfind("\n\n", 0, start) + 2 if "\n\n" in passage.text[:start] else 0
        last = passage.text.find("\n\n", end)
        paragraph = _as_table(passage.text[first : last if last >= 0 else None])
        is_short = len(paragraph) <= PARAGRAPH_CHARS
        found[paragraph if is_short else extract.text[citation.answer_start : citation.answer_end]] = None
    return "\n\n".join(found)


def _as_table(paragraph: str) -> str:
    """A paragraph of table rows as a Markdown table."""
    rows = paragraph.splitlines()
    if len(rows) < 2 or not all(map(tables.is_row, rows)):
        return paragraph
    return "\n".join([rows[0], "|" + "---|" * (rows[0].count("|") - 1), *rows[1:]])


def _holds(passage: Passage, citation: Citation) -> bool:
    return passage.start <= citation.start and citation.end <= passage.end


def shown_results(state: TurnState, similarity: Similarity) -> Finish:
    """The end of a run with the results of its calls as the answer, or with the best sentences of their passages.

    If no delegation was answered, the run's own files are used.
    """
    answers = _last_results(state)
    text = _joined(answers, state)
    retrieval = state.retrieval()
    unanswered = all(_is_delegated(answer, state.tools) and not answer.ok for answer in answers)
    if unanswered and retrieval and retrieval.covered and retrieval.extract:
        return Finish(f"{text}\n\n{retrieval.extract}", "covered")
    if not text and (passages := state.passages()):
        query = retrieval_query(state.history, state.steps)
        text = extractive_answer(query, passages, similarity).text
    return Finish(text, "covered" if any(answer.passages for answer in answers) else "no_knowledge")


def _last_results(state: TurnState) -> list[ToolResult]:
    """The results of the last round of calls; if none succeeded, all different ones of the turn that did."""
    results = {step.call_id: step for step in state.steps if isinstance(step, ToolResult)}
    rounds = [step.tool_calls for step in state.steps if isinstance(step, ModelReply) and step.tool_calls]
    last = [results[call.call_id] for call in rounds[-1]]
    if any(result.ok for result in last):
        return last
    return list({result.text: result for result in results.values() if result.ok}.values()) or last


def _joined(answers: Sequence[ToolResult], state: TurnState) -> str:
    """The results one after the other; those of several GPTs with their names."""
    names = {step.call_id: step.name for step in state.steps if isinstance(step, Delegation)}
    for answer in answers:
        tool = state.tools.get(answer.name)
        if tool and tool.is_delegation and tool.reach != "gpt":  # agents on other sites have no delegation step
            names[answer.call_id] = tool.title
    shown = [(names.get(answer.call_id, ""), _shown(answer, state.tools)) for answer in answers]
    named = [(name, text) for name, text in shown if text]
    if len(answers) > 1 and all(name for name, _ in named):
        return listed_answers(named)
    return "\n\n".join(text for _, text in named)


def _shown(answer: ToolResult, tools: Mapping[str, ToolSpec]) -> str:
    tool = tools.get(answer.name)
    if tool and runs_code(tool) and not answer.ok:
        return CODE_FAILED.format(reason=answer.text.strip().splitlines()[-1])
    return answer.shown or ""


def _is_delegated(answer: ToolResult, tools: Mapping[str, ToolSpec]) -> bool:
    return bool(answer.run_id) or (answer.name in tools and tools[answer.name].is_delegation)
