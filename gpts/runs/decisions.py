"""What can be decided to happen next in a run: the values that `plan.py` returns and workers perform."""

from dataclasses import dataclass
from typing import Literal

from gpts.runs.steps import Coverage, DelegatedPart, FinishReason, ToolCall
from gpts.safety.policy import Ask


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Search the GPT's knowledge for the question; `extracts`: for a model too weak to word the answer."""

    extracts: bool = False


@dataclass(frozen=True, slots=True)
class DelegateParts:
    """Call other GPTs for parts of the question, or all of them for the whole of it."""

    parts: tuple[DelegatedPart, ...]


@dataclass(frozen=True, slots=True)
class CallModel:
    """Generate the next reply."""


@dataclass(frozen=True, slots=True)
class RunTools:
    """Perform the calls, side by side; `announce` first when they have an effect."""

    calls: tuple[ToolCall, ...]
    announce: bool


@dataclass(frozen=True, slots=True)
class Delegate:
    """Have other GPTs answer the calls, each in a run of its own."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Put the exact call before the person, or have them sign in at the host `sign_in` first."""

    call: ToolCall
    ask: Ask
    sign_in: str = ""


@dataclass(frozen=True, slots=True)
class RejectCall:
    """Answer the call with the reason why it is not performed."""

    call: ToolCall
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End the run with this reason, for those who asked for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A person's or another run's answer is needed; hold no worker meanwhile."""


@dataclass(frozen=True, slots=True)
class Finish:
    """End the run with this answer; `calls` are the API caller's to perform."""

    text: str
    coverage: Coverage
    finish: FinishReason = "stop"
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """The run is over; there is nothing to do."""


@dataclass(frozen=True, slots=True)
class ChooseTool:
    """Have the router say whether the question wants a tool, and which."""


@dataclass(frozen=True, slots=True)
class WriteCall:
    """Write the arguments of a call of this tool, and nothing else."""

    tool: str


@dataclass(frozen=True, slots=True)
class ShowResults:
    """End the run with what its calls gave, as it is."""


# What is done in place of a model that is too weak for it: workers perform these with `workers/smallmodel`.
Assisted = ChooseTool | WriteCall | ShowResults

Decision = (
    Retrieve
    | DelegateParts
    | CallModel
    | RunTools
    | Delegate
    | AskApproval
    | RejectCall
    | GiveUp
    | Wait
    | Finish
    | Stop
    | Assisted
)
Queue = Literal["model", "tools"]
