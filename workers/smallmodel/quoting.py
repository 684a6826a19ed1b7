"""Answers for models that cannot write them: the best sentences of the files, and the results of calls."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from gpts.knowledge.citations import Similarity, extractive_answer, is_answer
from gpts.runs.decisions import Finish
from gpts.runs.delegation import listed_answers
from gpts.runs.queries import retrieval_query
from gpts.runs.state import TurnState
from gpts.runs.steps import Delegation, ModelReply, Retrieval, ToolResult
from gpts.spec.tools import ToolSpec
from workers.smallmodel.arguments.ready import runs_code

CODE_FAILED: Final = (
    "That did not work ({reason}). This model can only run simple code: write the calculation out (17 * 23), or name "
    "the columns of an attached table."
)
# A reply ends when a sentence of at least _SHORT characters was repeated literally this many times.
SAME_SENTENCE: Final = 3
_SHORT: Final = 20
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\n+")


def with_extract(found: Retrieval, similarity: Similarity) -> Retrieval:
    """`found` with the sentences that answer its query, if any."""
    extract = extractive_answer(found.query, found.passages, similarity)
    covered = is_answer(extract, found.covered)
    return found.model_copy(update={"covered": covered, "extract": extract.text if covered else ""})


def shown_results(state: TurnState, similarity: Similarity) -> Finish:
    """The end of a run with the results of its calls as the answer, or with the best sentences of their passages.

    If no delegation was answered, the run's own files are used.
    """
    answers = _last_results(state)
    text = _joined(answers, state)
    retrieval = next((step for step in state.steps if isinstance(step, Retrieval)), None)
    unanswered = all(_is_delegated(answer, state.tools) and not answer.ok for answer in answers)
    if unanswered and retrieval and retrieval.extract:
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


def repeats_itself(text: str) -> bool:
    """Whether the last whole sentence of a growing reply was repeated SAME_SENTENCE times."""
    if not text.rstrip(" ").endswith((".", "!", "?", "\n")):
        return False
    sentences = [sentence.strip() for sentence in _SENTENCE_END.split(text) if sentence.strip()]
    return bool(sentences) and len(sentences[-1]) >= _SHORT and sentences.count(sentences[-1]) >= SAME_SENTENCE
