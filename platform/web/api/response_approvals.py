"""Requests for a person's approval with which a response ends, and the answers with which another goes on.

A request is known by its run, which may be a child run, its call, and how long the run's log was: a call can have
more than one, for signing in and for the call itself.
"""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest

from gpts.runs.steps import Approval, ApprovalRequest
from web.accounts.models import User
from web.accounts.requests import key_of
from web.api.auth import caller
from web.api.errors import ApiError
from web.api.models import ITEM_NAME, Response
from web.api.response_input import ANSWER, InputItem
from web.api.response_request import ResponseRequest
from web.runs import approving, log
from web.runs.access import access_run
from web.runs.events import page_of
from web.scopes import NOT_APPROVER


def request_in(response: Response, place: int) -> ApprovalRequest:
    """The request of the response at this place in its `asked`."""
    run_id, call_id, n_steps = response.asked[place]
    before = reversed(log.read(UUID(run_id))[:n_steps])
    return next(step for step in before if isinstance(step, ApprovalRequest) and step.call_id == call_id)


def answer_to(response: Response, place: int) -> Approval | None:
    """A person's answer to that request, if there is one."""
    run_id, call_id, n_steps = response.asked[place]
    after = log.read(UUID(run_id))[n_steps:]
    return next((step for step in after if isinstance(step, Approval) and step.call_id == call_id), None)


def answers_before(response: Response) -> list[dict[str, object]]:
    """The answers to the requests of the response before this one, as items without ids."""
    before = response.previous
    return [
        {
            "type": "mcp_approval_response",
            "approval_request_id": before.item_name("mcp_approval_request", place, "a"),
            "approve": answer.allowed,
        }
        for place in range(len(before.asked if before else ()))
        if before and (answer := answer_to(before, place))
    ]


def go_on(request: HttpRequest, body: ResponseRequest) -> Response:
    """The response that goes on where a run waited for a person, who answers now. Raises ApiError, Refused."""
    answers = [item for item in body.items if item.kind == ANSWER]
    for item in answers:
        before, place = _asked(caller(request), item)
        _decide(request, before, place, item.approve is True)
    return Response.objects.create(
        owner=before.owner,
        run=before.run,
        previous=before,
        conversation=before.conversation,
        since=before.until or 0,
        stored=body.is_stored and before.stored,
        request=body.echoed(),
    )


def check_answered(user: User, items: Sequence[InputItem]) -> None:
    """Refuse answers before a message whose requests are still open: they must come alone. Raises ApiError."""
    for item in items:
        if item.kind == ANSWER and not answer_to(*_asked(user, item)):
            text = "The answer to your earlier message comes first. Send this message after it."
            raise ApiError(400, text, "input", "invalid_value")


def _asked(user: User, item: InputItem) -> tuple[Response, int]:
    """The response with the request that `item` answers, and its place. Raises ApiError."""
    found = ITEM_NAME.fullmatch(item.approval_request_id or "")
    mine = Response.objects.visible_to(user)
    response = mine.filter(id=UUID(found[1])).first() if found and found[2] == "a" else None
    if response is None or found is None or int(found[3] or "fff", 16) >= len(response.asked):
        raise ApiError(404, "Approval request not found.", "input", "not_found")
    return response, int(found[3], 16)


def _decide(request: HttpRequest, response: Response, place: int, approve: bool) -> None:
    """Answer a request of the response, unless a person has done so on its page. Raises ApiError, Refused."""
    if answer_to(response, place):
        return
    key = key_of(request)
    if key is None or not key.may_approve:
        raise ApiError(403, NOT_APPROVER, code="key_cannot_approve")
    run, asked = access_run(caller(request), UUID(response.asked[place][0])), request_in(response, place)
    if approve and (asked.sign_in or asked.form):
        what = f"a sign-in at {asked.sign_in}" if asked.sign_in else "answers"
        raise ApiError(400, f"This needs {what}. A person does that at {page_of(run.id)}.", "input")
    approving.answer_approval(run, asked.call_id, approve, digest=asked.digest)
