"""The prompt of a run: base rules, the GPT's instructions, tool schemas, then the conversation, append-only.

Text of earlier prompts in a conversation is never rewritten, so the model's prefix cache stays valid: a GPT's
instructions are computed once for all its conversations, and each turn only appends. Not in the next prompt are only
a turn that a small model declined, and the draft that a builder read, which costs the cache nothing before them.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import filterfalse
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.runs.file_calls import listed_names
from gpts.runs.fixed_replies import is_decline, without_lead
from gpts.runs.messages import MessageCall, Picture, PromptMessage
from gpts.runs.reading import notes_text
from gpts.runs.state import attachments, notes_before
from gpts.runs.steps import (
    Cancelled,
    FileRef,
    Finished,
    Log,
    ModelReply,
    Retrieval,
    Step,
    ToolResult,
    UserMessage,
)
from gpts.spec.file_tools import READ_FILES, SEARCH_FILES
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec

# What a reply begins with that says, in words of its own, that the files do not cover the question.
NOT_COVERED: Final = "[not covered]"
_TEXTS: Final[dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Shown:
    """The files that are part of the prompt as they are, as texts and as pictures, by id.

    `background`: what the model reads before a turn's message, as far as the turn before it had something else.
    `searched`: the model searches all others by calls.
    """

    texts: Mapping[str, Passage] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    background: tuple[str, ...] = ()
    searched: bool = False


def build_prompt(
    spec: GptSpec,
    history: Sequence[Log],
    log: Log,
    whole_files: Sequence[Passage] = (),
    n_dropped: int = 0,
    pictures: Mapping[str, Picture] = MappingProxyType({}),
    *,
    with_declined: bool = False,
    with_today: bool = False,
    has_search: bool = False,
) -> tuple[PromptMessage, ...]:
    """The messages to complete: the system message, earlier turns, this turn so far.

    Attached files among `whole_files` and `pictures` stand in the message that they came with. Of the first
    `n_dropped` turns only these texts are kept. Turns that were declined are left out unless `with_declined`: a small
    model repeats what it takes for its own words (Qwen2.5-Coder 1.5B in half of the next turns, 2026-11).
    `with_today`: the first turn, and later ones of another day, begin with the date. `has_search`: the model searches
    the other files by calls.
    """
    *history, log = _with_project_files((*history, log))
    files = Shown({file.file_id: file for file in whole_files}, pictures, searched=has_search)
    messages = [PromptMessage(role="system", content=system_text(spec, whole_files, has_search=has_search))]
    known: tuple[str, ...] = ()
    kept = history[n_dropped:] if with_declined else filterfalse(_was_declined, history[n_dropped:])
    for turn in (*kept, log):
        if _guest_of(turn) != _guest_of(log):
            messages += _other_turn(turn, files)
            continue
        before, known = known, _background(turn, with_today=with_today, is_past=turn is not log)
        new = replace(files, background=tuple(text for text in known if text not in before))
        messages += _turn(turn, new, reasons=turn is log)
    if dropped := _texts([file for turn in history[:n_dropped] for file in attachments(turn)], files):
        at = next(n for n, message in enumerate(messages) if message.role == "user")
        messages[at] = messages[at].model_copy(update={"content": "\n\n".join([*dropped, messages[at].content])})
    return tuple(messages)


def _with_project_files(turns: Iterable[Log]) -> Iterator[Log]:
    """The turns with the files of the project among those attached where they first came."""
    known: set[str] = set()
    for turn in turns:
        first, *rest = turn or (None,)
        if isinstance(first, UserMessage) and first.project_files:
            new = tuple(file for file in first.project_files if file.id not in known)
            known |= {file.id for file in new}
            turn = (first.model_copy(update={"attachments": (*first.attachments, *new)}), *rest)
        yield turn


def _was_declined(turn: Log) -> bool:
    """Whether the turn brought nothing that later ones may refer to."""
    end = turn[-1] if turn else None
    says_so = any(isinstance(step, ModelReply) and step.declined for step in turn)
    return isinstance(end, Finished) and (says_so or is_decline(end.text)) and not attachments(turn)


def _guest_of(turn: Log) -> str:
    return next((step.guest_id for step in turn if isinstance(step, UserMessage)), "")


def _background(turn: Log, *, with_today: bool, is_past: bool) -> tuple[str, ...]:
    first = next((step for step in turn if isinstance(step, UserMessage)), None)
    return first.background.texts(with_today=with_today, is_past=is_past) if first else ()


def _other_turn(turn: Log, files: Shown) -> list[PromptMessage]:
    """A turn of another GPT as plain text, without its passages and calls; attached files are everyone's."""
    messages: list[PromptMessage] = []
    for step in turn:
        if isinstance(step, UserMessage):
            messages += [*_earlier(step), _question(step, (), files)]
        if isinstance(step, Finished | Cancelled) and step.text:
            messages.append(PromptMessage(role="assistant", content=step.text))
    return messages


def system_text(spec: GptSpec, whole_files: Sequence[Passage] = (), *, has_search: bool = False) -> str:
    """The system message: the same for every conversation of this version of the GPT."""
    description = spec.description.strip()
    about = _TEXTS["about"].format(description=description) if description else ""
    parts = [_TEXTS["base_rules"].format(name=spec.name, about=about)]
    if spec.instructions:
        parts.append(_TEXTS["instructions"].format(instructions=spec.instructions))
    if spec.knowledge:
        own_ids = {ref.file_id for ref in spec.knowledge}
        own = [file for file in whole_files if file.file_id in own_ids]
        searched = _TEXTS["listed_files" if has_search else "searched_files"].format(
            names=listed_names(spec.knowledge)
        )
        where = _TEXTS["whole_files"] if own else searched
        rule = _TEXTS["strict_rule" if spec.only_from_knowledge else "open_rule"]
        parts.append(f"{_TEXTS['files_rule'].format(where=where)} {rule.format(not_covered=NOT_COVERED)}")
        parts += map(_file_text, own)
    return "\n\n".join(parts)


def call_request(tool: ToolSpec) -> PromptMessage:
    """The message that requests the arguments of a call of `tool`; later prompts omit it."""
    fields = json.dumps(tool.parameters.get("properties", {}), ensure_ascii=False)
    text = _TEXTS["call_request"].format(title=tool.title or tool.name, description=tool.description, fields=fields)
    return PromptMessage(role="user", content=text)


def _turn(log: Log, files: Shown, *, reasons: bool) -> list[PromptMessage]:
    """The messages of a turn; with `reasons`, in the present one, also the model's reasoning and caller's rules."""
    last = next((step for step in reversed(log) if isinstance(step, ModelReply)), None)
    replied = last.text if last and not last.cut_call else ""
    messages: list[PromptMessage] = []
    for step in log:
        if reasons and isinstance(step, UserMessage) and step.overrides.instructions:
            messages.append(PromptMessage(role="user", content=step.overrides.instructions))
        messages += _messages(step, log, replied, files)
    return messages if reasons else [message.model_copy(update={"reasoning": ""}) for message in messages]


def _messages(step: Step, log: Log, replied: str, files: Shown) -> list[PromptMessage]:
    match step:
        case UserMessage():
            return [*_earlier(step), _question(step, log, files), *step.later]
        case ModelReply(cut_call=False) if step.text or step.tool_calls:
            calls = tuple(MessageCall(**call.model_dump()) for call in step.tool_calls)
            reasoning = step.reasoning if calls else ""
            # As the model wrote it: one that does not see its mark again forgets it.
            text = f"{NOT_COVERED} {step.text}" if step.declined and step.text else step.text
            return [PromptMessage(role="assistant", content=text, tool_calls=calls, reasoning=reasoning)]
        case ToolResult():
            return [PromptMessage(role="tool", content=step.text, name=step.name, call_id=step.call_id)]
        case Retrieval(call_id=call_id) if call_id:
            name = READ_FILES if step.whole_files else SEARCH_FILES
            return [PromptMessage(role="tool", content=_found_text(step, log), name=name, call_id=call_id)]
        case Finished() | Cancelled() if step.text and not replied:
            return [PromptMessage(role="assistant", content=_answer(step.text))]
    return []


def _answer(text: str) -> str:
    """An answer without what introduces quotes; a decline without starters."""
    return text.partition("\n")[0] if is_decline(text) else without_lead(text)


def _earlier(step: UserMessage) -> list[PromptMessage]:
    """What an API caller sent along, without what `build_prompt` leaves out of a conversation that is kept here."""
    kept: list[PromptMessage] = []
    for message in step.earlier:
        if message.role != "assistant" or message.tool_calls:
            kept.append(message)
        elif is_decline(message.content) and kept and kept[-1].role == "user" and not kept[-1].pictures:
            kept.pop()
        else:
            kept.append(message.model_copy(update={"content": without_lead(message.content)}))
    return kept


def _question(step: UserMessage, log: Log, files: Shown) -> PromptMessage:
    """The person's message: the files attached to it, as far as they are read whole, then its text."""
    searched = [file.name for file in step.attachments if file.segment and file.id not in files.texts]
    unread = [file.name for file in step.attachments if not file.segment and file.id not in files.pictures]
    hints = [
        _TEXTS[name].format(files=", ".join(names))
        for name, names in (("searched_attachments", searched), ("unread_attachments", unread))
        if names
    ]
    has_files = files.searched or any(isinstance(each, Retrieval) for each in log)
    if step.overrides.answer_schema is not None and has_files:
        hints.append(_TEXTS["answer_in_json"].strip())
    parts = (
        *files.background,
        *_texts(step.attachments, files),
        _received_text(step.received),
        user_text(step.text or _TEXTS["no_message"], log),
        *hints,
    )
    seen = tuple(files.pictures[file.id] for file in step.attachments if file.id in files.pictures)
    return PromptMessage(role="user", content="\n\n".join(filter(None, parts)), pictures=seen)


def _texts(attached: Iterable[FileRef], files: Shown) -> list[str]:
    return [_file_text(files.texts[file.id]) for file in attached if file.id in files.texts]


def _file_text(file: Passage) -> str:
    # Text of a file cannot end the element in which it stands.
    text = file.for_model().replace("</file>", "</ file>")
    return f'<file name="{file.file_name}">\n{text}\n</file>'


def _received_text(text: str) -> str:
    if not text:
        return ""
    # As that of a file, the text cannot end its element.
    inside = text.replace("</received>", "</ received>")
    return f"{_TEXTS['received'].strip()}\n<received>\n{inside}\n</received>"


def user_text(question: str, log: Log) -> str:
    """The question as given to the model: after the passages found for it in `log`, or the notes taken for it."""
    retrieval = next((step for step in log if isinstance(step, Retrieval) and not step.call_id), None)
    if retrieval is None or retrieval.reused:
        return question
    if notes_before(log, log.index(retrieval)):
        return f"{_found_text(retrieval, log)}\n\nQuestion: {question}"
    if not retrieval.covered:
        return f"{question}\n\n{_TEXTS['not_covered']}"
    if not retrieval.passages:
        return question
    return f"Passages from the files:\n\n{_found_text(retrieval, log)}\n\nQuestion: {question}"


def _found_text(found: Retrieval, log: Log) -> str:
    """What was found as the model reads it: passages, or the notes that were taken on whole files."""
    if notes := notes_before(log, log.index(found)):
        return notes_text(notes, found.unread)
    return "\n\n".join(map(_passage_text, found.passages)) or _TEXTS["nothing_found"]


def _passage_text(passage: Passage) -> str:
    where = f"{passage.file_name}, {passage.heading}" if passage.heading else passage.file_name
    return f"({where})\n{passage.for_model()}"
