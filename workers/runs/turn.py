"""A run as its worker sees it at this moment, with the two ways of telling about it: the log and the stream."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gpts.runs.delegation import StoreGpt, doing
from gpts.runs.state import TurnState
from gpts.runs.steps import ApprovalRequest, Step
from web.runs import log, stream
from web.runs.models import Run
from workers.runs.leases import Held
from workers.tools import Tool


@dataclass(frozen=True, slots=True)
class HeldTurn(TurnState):
    """A turn of a run that this worker holds. `toolbox` has what performs the granted tools.

    `store` gives the GPTs of the store that may be asked. `waiting_parents` are the runs that wait
    for this one, each with its call that does: their readers are told of it too.
    """

    run: Run
    held: Held
    toolbox: Mapping[str, Tool]
    store: Callable[[], Sequence[StoreGpt]] = field(default=tuple, kw_only=True)
    waiting_parents: tuple[tuple[UUID, str], ...] = field(default=(), kw_only=True)

    def append(self, step: Step, **shown: object) -> None:
        """Append `step` to the log and tell the readers, with `shown` as further facts."""
        seq = log.append(self.run.id, step, self.held.token)
        stream.publish(self.run.id, {"type": "step", "seq": seq, "kind": step.kind, **shown})
        self._notify_parents(doing(self.spec.name, step))
        if isinstance(step, ApprovalRequest):
            stream.notify_parents(self.waiting_parents, self.run.id, step.kind)

    def begin_answer(self) -> None:
        """Tell the readers that an answer begins; what an earlier attempt showed is void."""
        stream.publish(self.run.id, {"type": "attempt", **self._attempt()})
        self._notify_parents(f"{self.spec.name} is writing")

    def show(self, text: str) -> None:
        """Stream a piece of the answer to the readers. Raises LeaseLost once the run is another worker's."""
        self.held.check()
        if text:
            stream.publish(self.run.id, {"type": "token", **self._attempt(), "text": text})

    def progress(self, call_id: str, text: str) -> None:
        """Tell the readers in a few words what a call is doing. Raises LeaseLost like `show`."""
        self.held.check()
        stream.publish(self.run.id, {"type": "progress", "call_id": call_id, "text": text})

    def _notify_parents(self, words: str) -> None:
        for run_id, call_id in self.waiting_parents if words else ():
            stream.publish(run_id, {"type": "progress", "call_id": call_id, "text": words})

    def _attempt(self) -> dict[str, int]:
        return {"seq": len(self.steps), "attempt": self.run.n_attempts}
