"""Forms that a server asks for while a call of one of its tools is in progress.

The server waits for the answer within its own call, so a worker holds the call meanwhile, for WAIT_S at most.
How it breaks: if that worker dies, nobody can take the answer any more. The next one ends the call as interrupted and
never repeats it (`plan.py`), and the form is gone.
"""

import hashlib
from time import monotonic, sleep
from typing import Final

from django.db import connection

from gpts.runs.forms import Form
from gpts.runs.steps import Approval, ApprovalRequest, ToolCall, ToolStarted, load_step
from gpts.safety.flow import context_label
from web.runs.approving import expire_requests
from web.runs.models import StepRow
from web.slots import Slots
from workers.runs.turn import HeldTurn

WAIT_S: Final = 300.0
LOOK_EVERY_S: Final = 0.5
# Calls of one process that may wait for people at once: half of its threads (deploy/supervisor.conf).
MAX_WAITING: Final = 12
# Of one person: a server of theirs may ask for forms in call after call.
MAX_OF_ONE: Final = 3
_of_one: Final = Slots()
_of_all: Final = Slots()


def ask(turn: HeldTurn, call: ToolCall, form: Form) -> Approval:
    """The person's answer to `form`, expired if it takes too long or too many wait. Raises LeaseLost, RunOver."""
    places = _of_one.take(turn.run.owner_id, MAX_OF_ONE), _of_all.take(0, MAX_WAITING)
    try:
        if None in places:
            return Approval(call_id=call.call_id, allowed=False, expired=True)
        return _asked(turn, call, form)
    finally:
        for place in filter(None, places):
            place.free()
        connection.close()  # this thread's own


def _asked(turn: HeldTurn, call: ToolCall, form: Form) -> Approval:
    steps = StepRow.objects.filter(run=turn.run, call_id=call.call_id)
    if not steps.filter(kind="tool_started").exists():  # a call that only reads would be repeated
        turn.append(ToolStarted(call_id=call.call_id, name=call.name), name=call.name)
    turn.append(_request(turn, call, form), name=call.name, call_id=call.call_id)
    ends_at = monotonic() + WAIT_S
    while (last := steps.latest("seq")).kind != "approval":
        turn.held.check()
        if monotonic() > ends_at:
            expire_requests(turn.run.id, call.call_id)
        else:
            sleep(LOOK_EVERY_S)
    answer = load_step(last.data)
    assert isinstance(answer, Approval)
    return answer


def _request(turn: HeldTurn, call: ToolCall, form: Form) -> ApprovalRequest:
    spec = turn.toolbox[call.name].spec
    return ApprovalRequest(
        call_id=call.call_id,
        name=call.name,
        digest=hashlib.sha256(form.model_dump_json().encode()).hexdigest(),
        title=spec.title or spec.name,
        plain=form.in_words,
        because=context_label(turn.history, turn.steps, turn.tools).written_by,
        host=spec.host,
        form=form,
    )
