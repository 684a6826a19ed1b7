"""What an API caller sets for one run."""

from typing import Any, Literal

from pydantic import Field

from gpts.spec.actions import no_arguments
from gpts.spec.gpt import GptSpec, ModelSettings
from gpts.values import Value

# "none" and "minimal": not at all, by a model that can answer without.
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class CallerTool(Value):
    """A function of the API caller, as in OpenAI's `tools`; the run ends with a call of it."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=no_arguments)


class Overrides(Value):
    """What an API caller set for one run; None and an empty `stop` keep the GPT's own settings.

    `tools` are the caller's own functions. `tool_choice` is auto, none, required or the name of the one to call.
    `answer_schema` is a JSON Schema that the answer must follow as JSON; None: the answer is text. A model whose
    engine cannot take a seed, penalty, bias (by the ids of its own tokens) or effort answers without it, and so for
    `top_logprobs`: how many of the likeliest tokens are told with each; None: no probabilities at all. `own_tools`
    names those of the GPT's tools that the run may use; None: all. `instructions` hold for this run only, not for
    later turns of its conversation.
    """

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1, description="Longest reply, in tokens.")
    stop: tuple[str, ...] = Field(default=(), max_length=4)
    seed: int | None = None
    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    logit_bias: tuple[tuple[int, float], ...] = ()
    reasoning_effort: ReasoningEffort | None = None
    tools: tuple[CallerTool, ...] = ()
    tool_choice: str = "auto"
    answer_schema: dict[str, Any] | None = None
    top_logprobs: int | None = None
    own_tools: tuple[str, ...] | None = None
    instructions: str = ""

    @property
    def functions(self) -> tuple[CallerTool, ...]:
        """The caller's functions that this run may call."""
        return () if self.tool_choice == "none" else self.tools

    def permits(self, name: str) -> bool:
        """Whether the run may use the GPT's own tool of this name."""
        return self.own_tools is None or name in self.own_tools

    def applied_to(self, spec: GptSpec) -> GptSpec:
        """`spec` with the caller's settings in place of its own."""
        sampling = self.model_dump(include=set(ModelSettings.model_fields), exclude_defaults=True)
        model = spec.model.model_copy(update=sampling)
        return spec.model_copy(update={"model": model})
