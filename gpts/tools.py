"""What a tool is to the mind: a name, a schema and whether it changes anything. Workers run it."""

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gpts.steps import ToolCall

Effect = Literal["read", "write"]


class ToolSpec(BaseModel):
    """A tool as the model is told of it. A `write` effect is announced in the log and needs a person's approval."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    parameters: dict[str, Any]
    effect: Effect = "read"


def call_digest(call: ToolCall) -> str:
    """The SHA-256 that binds an approval to this exact name and these exact arguments."""
    exact = json.dumps([call.name, call.arguments], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(exact.encode()).hexdigest()
