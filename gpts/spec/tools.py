"""The description of a tool: its name and schema, what it can reach, and whether it changes anything."""

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from gpts.values import Value

if TYPE_CHECKING:
    from gpts.runs.steps import ToolCall

Effect = Literal["read", "write"]
# Where a call sends data: to no other host; to a service that the operator chose for this content; to a service that
# forwards it to third parties, such as a search engine; to an address in the call; to a host that the GPT's creator
# chose; to another GPT of this site.
Reach = Literal["nothing", "trusted_service", "service", "address", "host", "gpt"]


class ToolSpec(Value):
    """A tool as described to models, routers and people; all models get the same description.

    A `write` effect is announced in the log and needs a person's approval. `parameters` is a JSON Schema of type
    object. `examples` are things people say when they want the tool. `title` is shown to readers ("Run code").
    """

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str
    parameters: dict[str, Any]
    effect: Effect = "read"
    title: str = ""
    examples: tuple[str, ...] = ()
    reach: Reach = "nothing"
    host: str = Field(default="", description="Host that a call goes to where `reach` is host; empty otherwise.")
    operation: str = Field(default="", description="What a call does there, exactly: method and path template.")
    timeout_s: float = 45.0
    always_asks: bool = Field(default=False, description="Each call needs approval; no permanent permission counts.")
    own_words: bool = Field(
        default=False, description="Once outside text was read, a call may only quote the person literally."
    )
    gpu: bool = Field(default=False, description="Runs on the workers that hold the models.")
    written_by: str = Field(default="", description="The outsider who wrote its texts, for people; empty: none.")
    is_delegation: bool = Field(default=False, description="It calls a GPT or agent with the argument `task`.")
    of_stranger: bool = Field(
        default=False, description="That GPT may belong to somebody who is neither the person nor the creator."
    )
    asks: str = Field(default="", description="Whom it asks, for the model, if it is one GPT or agent.")
    when: str = Field(default="", description="The creator's note on when to call that GPT or agent.")
    builtin: str = Field(default="", description="Name of the built-in tool that it is; empty for all others.")
    asks_person: bool = Field(default=False, description="A person answers it in a form; only for able models.")
    of_caller: bool = Field(default=False, description="A function of the API caller; the run ends with its call.")

    @property
    def model_description(self) -> str:
        """The tool's description for the model; of a delegate, whom it asks, and the creator's note on when."""
        asks = f"Asks the {self.asks}: " if self.asks else ""
        return f"{asks}{self.description} {self.when}".strip()

    @property
    def binding(self) -> str:
        """The SHA-256 that binds a permanent permission to what a call does and to the schema of its arguments."""
        return _digest([self.operation, self.reach, self.host, self.parameters])


def call_digest(call: "ToolCall") -> str:
    """The SHA-256 that binds an approval to this exact name and these exact arguments."""
    return _digest([call.name, call.arguments])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
