"""The decisions on what happens next in a run: returned by `plan.py`, performed by workers."""

from dataclasses import dataclass
from typing import Literal

from gpts.runs.forms import Form
from gpts.runs.steps import Coverage, DelegatedPart, FinishReason, ToolCall
from gpts.safety.policy import Ask


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Search or read the turn's files for the question, or as the model's `call` asks.

    `extracts`: also prepare an answer of literal sentences.
    """

    extracts: bool = False
    call: ToolCall | None = None


@dataclass(frozen=True, slots=True)
class DelegateParts:
    """Delegate parts of the question, or all of it to every delegate."""

    parts: tuple[DelegatedPart, ...]


@dataclass(frozen=True, slots=True)
class CallModel:
    """Generate the next reply."""


@dataclass(frozen=True, slots=True)
class RunTools:
    """Perform the calls in parallel; `announce` those with an effect first."""

    calls: tuple[ToolCall, ...]
    announce: bool


@dataclass(frozen=True, slots=True)
class Delegate:
    """Start a child run for each of the calls."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Ask the person to approve the exact call, to sign in at the host `sign_in` first, or to fill in a form."""

    call: ToolCall
    ask: Ask
    sign_in: str = ""
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class RejectCall:
    """Answer the call with the reason why it is not performed."""

    call: ToolCall
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End the run with an error message for the person or program that started it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a person or another run, without holding a worker."""


@dataclass(frozen=True, slots=True)
class Finish:
    """End the run with this answer; `calls` are for the API caller to perform.

    Without text and calls, the answer to a question for the files is that they do not cover it.
    """

    text: str
    coverage: Coverage
    finish: FinishReason = "stop"
    calls: tuple[ToolCall, ...] = ()
    stop_sequence: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """The run is over; there is nothing to do."""


@dataclass(frozen=True, slots=True)
class ChooseTool:
    """Have the router decide whether the question needs a tool, and which."""


@dataclass(frozen=True, slots=True)
class WriteCall:
    """Have the model write the arguments of a call of this tool, and nothing else."""

    tool: str


@dataclass(frozen=True, slots=True)
class ShowResults:
    """End the run with the results of its calls, unchanged."""


@dataclass(frozen=True, slots=True)
class ReadIntent:
    """Find out what the message asks for, before anything is searched: by code, or by asking a model that writes."""


@dataclass(frozen=True, slots=True)
class ReadFiles:
    """Read the files that the message means from beginning to end, and outline them."""


@dataclass(frozen=True, slots=True)
class ReadPart:
    """Have the model take notes on the next part of the files that the message, or its `call`, means, or end that."""

    call: ToolCall | None = None


# Replace steps that the model is too weak for; workers perform these with `workers/smallmodel`.
Assisted = ReadIntent | ReadFiles | ChooseTool | WriteCall | ShowResults

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
    | ReadPart
    | Assisted
)
Queue = Literal["model", "tools"]
