"""What a model reads: an ordered list of messages, each with a role and plain text."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["system", "user", "assistant", "tool"]


class Message(BaseModel):
    """One message of a prompt. `content` is text from anywhere and can never become a control token."""

    model_config = ConfigDict(frozen=True)

    role: Role
    content: str
