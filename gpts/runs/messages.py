"""What a model reads: a list of messages, each with a role, plain text, and pictures for a model that sees."""

from typing import Any, Literal

from pydantic import Field

from gpts.values import Value

Role = Literal["system", "user", "assistant", "tool"]


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
