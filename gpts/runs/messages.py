"""What a model reads: an ordered list of messages, each with a role and plain text."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant", "tool"]


class MessageCall(BaseModel):
    """A call that an assistant's message made, as the model is reminded of it."""

    model_config = ConfigDict(frozen=True)

    call_id: str = ""
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Message(BaseModel):
    """One message of a prompt. `content` is text from anywhere and can never become a control token.

    `tool_calls` are an assistant's calls; `name` and `call_id` tell which call a tool's message answers.
    """

    model_config = ConfigDict(frozen=True)

    role: Role
    content: str
    tool_calls: tuple[MessageCall, ...] = ()
    name: str = ""
    call_id: str = ""
