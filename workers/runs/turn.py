"""A turn of a run, with methods that write to its log and its stream."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gpts.runs.delegation import StoreGpt, doing
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.state import TurnState
from gpts.runs.steps import ApprovalRequest, ModelReply, PartNotes, Step
from web.runs import log, stream
from web.runs.models import Run
from workers.runs.leases import Held
from workers.tools import Tool


@dataclass(frozen=True, slots=True)
class HeldTurn(TurnState):
    """A turn of a run that this worker holds. `toolbox` has the granted tools by name.

    `store` returns the GPTs of the store that may be called. `waiting_parents` are the runs that wait for this one,
    each with the id of the call: their readers see its progress. `engine` is the name of the model that answers.
    """

    run: Run
    held: Held
    toolbox: Mapping[str, Tool]
    store: Callable[[], Sequence[StoreGpt]] = field(default=tuple, kw_only=True)
    waiting_parents: tuple[tuple[UUID, str], ...] = field(default=(), kw_only=True)
    engine: str = field(default="", kw_only=True)

    def append(self, step: Step, **shown: object) -> None:
        """Append `step` to the log and publish it with the fields in `shown`."""
        if isinstance(step, ModelReply) and step.tool_calls:
            step = step.model_copy(update={"context_tokens": self.ability.context_tokens})
        if self.engine and isinstance(step, ModelReply | PartNotes):
            step = step.model_copy(update={"engine": self.engine})
        seq = log.append(self.run.id, step, self.held.token)
        stream.publish(self.run.id, {"type": "step", "seq": seq, "kind": step.kind, **shown})
        self._notify_parents(doing(self.spec.name, step))
        if isinstance(step, ApprovalRequest):
            stream.notify_parents(self.waiting_parents, self.run.id, step.kind)

    def begin_answer(self) -> None:
        """Publish that an answer begins, which replaces what an earlier attempt showed."""
        stream.publish(self.run.id, {"type": "attempt", **self._attempt()})
        self._notify_parents(f"{self.spec.name} is writing")

    def show(self, text: str) -> None:
        """Publish a piece of the answer. Raises LeaseLost if another worker has the run."""
        self._publish("token", text)

    def show_reasoning(self, text: str) -> None:
        """Publish a piece of what the model reasons. Raises LeaseLost like `show`."""
        self._publish("reasoning", text)

    def show_logprobs(self, tokens: Sequence[TokenLogprob]) -> None:
        """Publish how likely the tokens of what is shown next were, one to a line."""
        self._publish("logprobs", "".join(f"{each.model_dump_json(exclude_defaults=True)}\n" for each in tokens))

    def tell(self, text: str) -> None:
        """Publish what is being done, if `text` says so. Raises LeaseLost like `show`."""
        self.held.check()
        if text:
            stream.publish(self.run.id, {"type": "progress", "call_id": "", "text": text})
            self._notify_parents(f"{self.spec.name} is {text[:1].lower()}{text[1:]}")

    def progress(self, call_id: str, text: str) -> None:
        """Publish the progress of a call. Raises LeaseLost like `show`."""
        self.held.check()
        stream.publish(self.run.id, {"type": "progress", "call_id": call_id, "text": text})

    def _publish(self, kind: str, text: str) -> None:
        self.held.check()
        if text:
            stream.publish(self.run.id, {"type": kind, **self._attempt(), "text": text})

    def _notify_parents(self, text: str) -> None:
        for run_id, call_id in self.waiting_parents if text else ():
            stream.publish(run_id, {"type": "progress", "call_id": call_id, "text": text})

    def _attempt(self) -> dict[str, int]:
        return {"seq": len(self.steps), "attempt": self.run.n_attempts}
