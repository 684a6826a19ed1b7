"""Delegation between GPTs: limits of a tree of runs, when two requests are equal, and what a child run returns.

A delegation is a tool call that a child run of another GPT answers. Limits apply to the whole tree that the person's
message started; they are decided here from numbers that the site counts in its database, under one lock.
"""

import hashlib
import re
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.steps import (
    ApprovalRequest,
    Cancelled,
    Delegation,
    Delegator,
    Error,
    Finished,
    Log,
    PartNotes,
    Retrieval,
    Step,
    ToolResult,
    UserMessage,
)
from gpts.safety.flow import context_label
from gpts.safety.labels import Label, join, untrusted
from gpts.spec.actions import first_free
from gpts.spec.gpt import DelegateRef

ASK_STORE: Final = "ask_store"
STORE_AUTHORS: Final = "the descriptions of GPTs in the store"
# Characters of the longest task: as many as a person may write (MAX_MESSAGE_CHARS); a model's longer task is cut.
TASK_CHARS: Final = 32_000

NOT_REACHABLE: Final = (
    "{name} isn't available: it was deleted, isn't published or isn't shared with everyone involved."
)
NOTHING_FITS: Final = "No GPT in the store matches this."
NO_TASK: Final = "The task is missing: say in `task` what is wanted."
ALREADY_WORKING: Final = "{name} is already working on this request."
STOPPED: Final = "{name} was stopped before it answered."
EMPTY_ANSWER: Final = "{name} gave an empty answer."


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one tree of runs. `depth` counts delegations below the person's own run; `seconds` excludes the time
    that people take to answer approvals."""

    depth: int
    runs: int
    runs_per_gpt: int
    tokens: int
    seconds: int


@dataclass(frozen=True, slots=True)
class StoreGpt:
    """A GPT of the store that may be called, with the texts of its listing."""

    slug: str
    name: str
    description: str
    starters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a tree has used so far, when a child run of the GPT `name` is requested at `depth`.

    `runs` counts child runs, `of_gpt` those of the requested GPT.
    """

    name: str
    depth: int
    runs: int
    of_gpt: int
    tokens: int
    is_late: bool


def why_not(bounds: Bounds, spent: Spent) -> str:
    """The limit that one more run would exceed, as a sentence for models and people; empty if none."""
    could_not = f"{spent.name} couldn't be asked: "
    if spent.depth > bounds.depth:
        return f"{could_not}GPTs can ask each other at most {bounds.depth} levels deep."
    if spent.runs >= bounds.runs:
        return f"{could_not}one question can use at most {bounds.runs} runs of other GPTs."
    if spent.of_gpt >= bounds.runs_per_gpt:
        return f"{could_not}it was already asked {spent.of_gpt} times for this question, which is the limit."
    return out_of(bounds, spent.tokens, spent.is_late, could_not)


def out_of(bounds: Bounds, tokens: int, is_late: bool, prefix: str = "") -> str:
    """The usage limit that a tree has reached, as a sentence that begins with `prefix`; empty if none."""
    if tokens >= bounds.tokens:
        return f"{prefix}this question reached its limit of {bounds.tokens:,} tokens."
    if is_late:
        return f"{prefix}this question reached its limit of {bounds.seconds} seconds."
    return ""


def request_digest(gpt_id: str, task: str, file_ids: Iterable[str] = ()) -> str:
    """A digest of a request with these files, ignoring case, accents, punctuation and white space of the task."""
    plain = unicodedata.normalize("NFKD", task.casefold())
    words = re.findall(r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    # Tasks without any word ("?") are compared literally.
    parts = (gpt_id, " ".join(words) or task.strip(), *sorted(file_ids))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def would_wait_for_itself(parent: str, wanted: str, waits_for: Mapping[str, Iterable[str]]) -> bool:
    """Whether `parent` waiting for `wanted` would close a cycle; `waits_for` maps runs to those they wait for."""
    seen: set[str] = set()
    found = [wanted]
    while found:
        run = found.pop()
        if run == parent:
            return True
        if run not in seen:
            seen.add(run)
            found += waits_for.get(run, ())
    return False


def named_delegates(delegates: Iterable[DelegateRef]) -> dict[str, DelegateRef]:
    """The delegates by tool name."""
    named: dict[str, DelegateRef] = {}
    for delegate in delegates:
        base = f"ask_{re.sub(r'[^a-zA-Z0-9_]+', '_', delegate.slug)}"[:60]
        tries = (base, *(f"{base[:57]}_{n}" for n in range(2, 100)))
        named[first_free(tries, {ASK_STORE, *named})] = delegate
    return named


def delegation_chain(log: Log, own: Delegator) -> tuple[Delegator, ...]:
    """The chain of delegations down to the run with this `log`, whose GPT is `own`, for its child runs."""
    first = log[0] if log else None
    return (*(first.delegated_by if isinstance(first, UserMessage) else ()), own)


def label_of_gpt(name: str, owner: int, readers: Container[int]) -> Label:
    """The label that a GPT's own text has for another GPT: outside text, unless its owner is one of the `readers`.

    Those are the person and the owner of the GPT that reads it.
    """
    return Label() if owner in readers else untrusted(f"the GPT {name}")


def answer_label(log: Log, author: Label) -> Label:
    """The label of a run's answer, or of why there is none: of all that the run read, and of its GPT."""
    last = log[-1]
    return join([last.label if isinstance(last, Finished) else context_label((), log, {}), author])


def cited_passages(log: Log) -> tuple[Passage, ...]:
    """The passages that the answer of `log` cites, so that the parent run can cite them too."""
    last = log[-1]
    if not isinstance(last, Finished):
        return ()
    holding = (step for step in log if isinstance(step, Retrieval | PartNotes | ToolResult))
    found = [passage for step in holding for passage in step.passages]
    if any(isinstance(step, Retrieval) and step.whole_files for step in log):
        found += [citation.as_passage() for citation in last.citations]
    cited = {(each.file_id, each.url, each.chunk) for each in last.citations}
    return tuple(dict.fromkeys(p for p in found if (p.file_id, p.url, p.chunk) in cited))


def result_of(call_id: str, tool: str, name: str, log: Log, author: Label) -> ToolResult:
    """The result of the call `call_id` of `tool`, from the log of the child run of the GPT `name`.

    `author` is the label of that GPT's own text. Files come also of a run that failed, with their labels. `shown` is
    always set; callers whose model writes the answer drop it.
    """
    last, made = log[-1], [step for step in log if isinstance(step, ToolResult) and step.files]
    label = join([answer_label(log, author), *(step.label for step in made)])
    text, ok = _outcome(last, name)
    cited = last.citations if isinstance(last, Finished) else ()
    return ToolResult(
        call_id=call_id,
        name=tool,
        text=text,
        ok=ok,
        shown=text,
        passages=tuple(each.model_copy(update={"gpt": each.gpt or name}) for each in cited_passages(log)),
        citations=tuple(each.model_copy(update={"gpt": each.gpt or name}) for each in cited),
        files=tuple(file for step in made for file in step.files),
        label=label,
    )


def answers_in(log: Log) -> tuple[Passage, ...]:
    """The answers of other GPTs in `log`, each as a passage that supports what its own sources do not."""
    names = {step.call_id: step.name for step in log if isinstance(step, Delegation)}
    return tuple(
        Passage(
            file_id="",
            file_name=names[step.call_id],
            segment="",
            chunk=number,
            text=step.text,
            start=0,
            end=len(step.text),
            untrusted=step.label.is_untrusted,
            gpt=names[step.call_id],
        )
        for number, step in enumerate(log)
        if isinstance(step, ToolResult) and step.ok and step.call_id in names
    )


def through_answers(citations: Iterable[Citation], log: Log) -> tuple[Citation, ...]:
    """`citations` with what the answers of other GPTs in `log` cite, in place of those answers where they cite it.

    Without those of results of calls: they support sentences, but no page shows them. Tags are numbered again.
    """
    found: list[tuple[Citation, tuple[object, ...]]] = []
    for each in citations:
        if each.file_id or each.url:
            found.append((each, ("", each.tag)))
        elif each.gpt:
            place = {"answer_start": each.answer_start, "answer_end": each.answer_end}
            within = [
                one for one in _cited_by(log, each) if one.answer_start < each.end and each.start < one.answer_end
            ]
            found += [(one.model_copy(update=place), (one.gpt, one.file_id, one.url, one.chunk)) for one in within]
            found += [] if within else [(each, ("", each.tag))]
    tags = {key: number for number, key in enumerate(dict.fromkeys(key for _, key in found), 1)}
    return tuple(each.model_copy(update={"tag": tags[key]}) for each, key in found)


def _cited_by(log: Log, answer: Citation) -> tuple[Citation, ...]:
    """What the answer that is cited as `answer` cites itself."""
    step = log[answer.chunk]
    return step.citations if isinstance(step, ToolResult) else ()


def _outcome(last: Step, name: str) -> tuple[str, bool]:
    match last:
        case Finished(text=text):
            return (text, True) if text.strip() else (EMPTY_ANSWER.format(name=name), False)
        case Error(message=message):
            return f"{name} didn't answer. {message}", False
        case Cancelled():
            return STOPPED.format(name=name), False
    raise ValueError(f"A run that ended with {last.kind} has no answer.")


def doing(name: str, step: Step) -> str:
    """A short progress text on the GPT `name` after `step`; empty if there is nothing to report."""
    match step:
        case UserMessage():
            return f"{name} is reading"
        case PartNotes():
            return f"{name} has read {step.part}"
        case Retrieval(whole_files=files) if files:
            return f"{name} has read its files"
        case Retrieval(passages=passages):
            n = len(passages)
            return f"{name} has searched its files, {n} passage{'' if n == 1 else 's'}"
        case ApprovalRequest():
            return f"{name} needs your {'answers' if step.form else 'approval'}"
        case Delegation():
            return f"{name} asked {step.name}"
        case ToolResult():
            return f"{name} continues"
    return ""


def listed_answers(answers: Sequence[tuple[str, str]]) -> str:
    """Several answers as one Markdown text, each under the name of its GPT."""
    return "\n\n".join(f"{title_of(name)}\n\n{text}" for name, text in answers)


def title_of(name: str) -> str:
    """The heading over the answer of the GPT `name`."""
    plain = re.sub(r"([\\`*_\[\]<>#&~!|])", r"\\\1", " ".join(name.split()))
    return f"**{plain}**"


def titles_in(log: Log) -> frozenset[str]:
    """The headings that `listed_answers` may have put into the answer of a run with this `log`."""
    return frozenset(title_of(step.name) for step in log if isinstance(step, Delegation))
