"""The prompt of a run: base rules, the GPT's instructions, tool schemas, then the conversation, append-only.

Text of earlier prompts in a conversation is never rewritten, so the model's prefix cache stays valid: a GPT's
instructions are computed once for all its conversations, and each turn only appends.
"""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.reading import notes_text
from gpts.runs.steps import (
    Cancelled,
    Finished,
    Log,
    ModelReply,
    PartNotes,
    Retrieval,
    Step,
    ToolResult,
    UserMessage,
)
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec

_TEXTS: Final[dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def build_prompt(
    spec: GptSpec, history: Sequence[Log], log: Log, whole_files: Sequence[Passage] = ()
) -> tuple[PromptMessage, ...]:
    """The messages to complete: the system message, earlier turns, this turn so far."""
    messages = [PromptMessage(role="system", content=system_text(spec, whole_files))]
    for turn in (*history, log):
        messages += _turn(turn) if _guest_of(turn) == _guest_of(log) else _other_turn(turn)
    return tuple(messages)


def _guest_of(turn: Log) -> str:
    return next((step.guest_id for step in turn if isinstance(step, UserMessage)), "")


def _other_turn(turn: Log) -> list[PromptMessage]:
    """A turn of another GPT as plain text, without its passages and calls."""
    messages: list[PromptMessage] = []
    for step in turn:
        if isinstance(step, UserMessage):
            messages += [*step.earlier, PromptMessage(role="user", content=step.text + _attached(step))]
        if isinstance(step, Finished | Cancelled) and step.text:
            messages.append(PromptMessage(role="assistant", content=step.text))
    return messages


def system_text(spec: GptSpec, whole_files: Sequence[Passage] = ()) -> str:
    """The system message: the same for every conversation of this version of the GPT."""
    about = f" ({spec.description.strip()})" if spec.description.strip() else ""
    parts = [_TEXTS["base_rules"].format(name=spec.name, about=about)]
    if spec.instructions:
        parts.append(spec.instructions)
    if spec.knowledge:
        where = _TEXTS["whole_files" if whole_files else "searched_files"]
        rule = _TEXTS["strict_rule" if spec.only_from_knowledge else "open_rule"]
        parts.append(f"{_TEXTS['files_rule'].format(where=where)} {rule}")
        parts += [f'<file name="{file.file_name}">\n{file.text}\n</file>' for file in whole_files]
    return "\n\n".join(parts)


def call_request(tool: ToolSpec) -> PromptMessage:
    """The message that requests the arguments of a call of `tool`; later prompts omit it."""
    fields = json.dumps(tool.parameters.get("properties", {}), ensure_ascii=False)
    text = _TEXTS["call_request"].format(title=tool.title or tool.name, description=tool.description, fields=fields)
    return PromptMessage(role="user", content=text)


def _turn(log: Log) -> list[PromptMessage]:
    retrieval = next((step for step in log if isinstance(step, Retrieval)), None)
    notes = [step for step in log if isinstance(step, PartNotes)]
    replied = next((step.text for step in reversed(log) if isinstance(step, ModelReply)), "")
    messages: list[PromptMessage] = []
    for step in log:
        messages += _messages(step, retrieval, notes, replied)
    return messages


def _messages(
    step: Step, retrieval: Retrieval | None, notes: Sequence[PartNotes], replied: str
) -> list[PromptMessage]:
    match step:
        case UserMessage():
            question = PromptMessage(role="user", content=user_text(step.text, retrieval, notes) + _attached(step))
            return [*step.earlier, question, *step.later]
        case ModelReply():
            calls = tuple(MessageCall(**call.model_dump()) for call in step.tool_calls)
            return [PromptMessage(role="assistant", content=step.text, tool_calls=calls)]
        case ToolResult():
            return [PromptMessage(role="tool", content=step.text, name=step.name, call_id=step.call_id)]
        case Finished() | Cancelled() if step.text and not replied:
            return [PromptMessage(role="assistant", content=step.text)]
    return []


def user_text(question: str, retrieval: Retrieval | None, notes: Sequence[PartNotes] = ()) -> str:
    """The question as given to the model: after the passages found for it, or the notes taken for it."""
    if retrieval and notes:
        return f"{notes_text(notes, retrieval.unread)}\n\nQuestion: {question}"
    if retrieval is None or retrieval.whole_files or retrieval.reused:
        return question
    if not retrieval.covered:
        return f"{question}\n\n{_TEXTS['not_covered']}"
    passages = "\n\n".join(_passage_text(passage) for passage in retrieval.passages)
    return f"Passages from the files:\n\n{passages}\n\nQuestion: {question}"


def _attached(step: UserMessage) -> str:
    names = ", ".join(file.name for file in step.attachments)
    return f"\n\n(Attached: {names})" if names else ""


def _passage_text(passage: Passage) -> str:
    where = f"{passage.file_name}, {passage.heading}" if passage.heading else passage.file_name
    return f"({where})\n{passage.text}"
