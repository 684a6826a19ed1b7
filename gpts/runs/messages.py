"""What a model reads: a list of messages, each with a role, plain text, and pictures for a model that sees."""

from collections.abc import Iterable
from typing import Any, Final, Literal

from pydantic import Field

from gpts.values import Value

Role = Literal["system", "user", "assistant", "tool"]
# Stands between results of calls that nobody answered and the next message, where roles must alternate.
UNANSWERED: Final = "(no answer)"


class MessageCall(Value):
    """A call in an assistant message, as repeated in later prompts."""

    call_id: str = ""
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Picture(Value):
    """A picture as a model gets it: the bytes of a file of type `mime`, made anew from what a person attached."""

    mime: str
    data: bytes = Field(repr=False)


class PromptMessage(Value):
    """One message of a prompt. `content` is untrusted text and can never become a control token.

    `tool_calls` are an assistant's calls, `reasoning` what it wrote to itself before them, for templates that want it
    back; `name` and `call_id` identify the call that a tool message answers.
    """

    role: Role
    content: str
    tool_calls: tuple[MessageCall, ...] = ()
    reasoning: str = ""
    name: str = ""
    call_id: str = ""
    pictures: tuple[Picture, ...] = Field(default=(), exclude=True)


def with_numbered_calls(messages: Iterable[PromptMessage]) -> list[PromptMessage]:
    """The messages with nine digits as ids of calls, the only ones that Mistral's templates and servers take."""
    numbers: dict[str, str] = {}
    numbered, n_calls = [], 0
    for message in messages:
        for call in message.tool_calls:
            n_calls += 1
            numbers[call.call_id] = f"{n_calls:09d}"
        calls = tuple(call.model_copy(update={"call_id": numbers[call.call_id]}) for call in message.tool_calls)
        answered = numbers.get(message.call_id, "0" * 9) if message.call_id else ""
        numbered.append(message.model_copy(update={"tool_calls": calls, "call_id": answered}))
    return numbered


def alternating(messages: Iterable[PromptMessage], *, has_system: bool = True) -> list[PromptMessage]:
    """The messages for templates in which the user and the assistant must alternate: two of one role are joined.

    A system message that is not the first, or unless there `has_system`, becomes the user's, and so does the result
    of no call.
    """
    turns: list[PromptMessage] = []
    for message in messages:
        is_users = (message.role == "system" and (turns or not has_system)) or (
            message.role == "tool" and not message.call_id
        )
        new = message.model_copy(update={"role": "user"}) if is_users else message
        last = turns[-1] if turns else None
        if last and new.role == last.role and new.role in ("user", "assistant") and not last.tool_calls:
            turns[-1] = _joined(last, new)
            continue
        if new.role == "user" and last and last.role == "tool":
            turns.append(PromptMessage(role="assistant", content=UNANSWERED))
        turns.append(new)
    return turns


def _joined(first: PromptMessage, second: PromptMessage) -> PromptMessage:
    return second.model_copy(
        update={
            "content": "\n\n".join(filter(None, (first.content, second.content))),
            "pictures": first.pictures + second.pictures,
        }
    )
