"""Approvals by elicitation: the client asks the person, in a form of its own or on this site's page.

Only an API key that may approve can have the answer taken from the client, as over `/api`: a program with any other
would approve its own calls. With other keys, and to sign in, the client sends the person to the page of the run.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitRequestURLParams, ElicitResult

from gpts.runs.form_answers import InvalidAnswers
from gpts.runs.form_requests import schema_of
from gpts.runs.steps import ApprovalRequest
from web.mcp.callers import Caller, Context
from web.runs import approving, services
from web.runs.approving import FormAction
from web.runs.errors import Refused, RunOver
from web.runs.events import page_of, text_of_request
from web.runs.models import Run
from web.runs.trees import waiting

# What the person did: "left" is closing the question without an answer.
Reaction = Literal["answered", "opened", "left"]
SCHEMA: Final = {
    "type": "object",
    "properties": {"decision": {"type": "string", "title": "Decision", "enum": ["Allow", "Decline"]}},
    "required": ["decision"],
}


@dataclass(frozen=True, slots=True)
class Pending:
    """A request of `run` that waits for a person."""

    run: Run
    request: ApprovalRequest

    @property
    def key(self) -> str:
        """Names it among all. An answer is for exactly the call that was shown."""
        return f"{self.run.id}/{self.request.call_id}/{self.request.digest[:16]}"

    @property
    def text(self) -> str:
        """The request in full, for the person."""
        return text_of_request(self.request, self.run.version.spec().name)


def pending(run: Run) -> list[Pending]:
    """The open requests of the run and of all its child runs."""
    run.refresh_from_db(fields=["status"])
    return [Pending(each, request) for each, request in waiting(run)]


def elicitation(context: Context, caller: Caller, asked: Pending) -> ElicitRequest | None:
    """How the client is to ask the person; None if it can't."""
    capabilities = context.session.client_capabilities
    able = capabilities.elicitation if capabilities else None
    if able is None:
        return None
    # An empty capability means forms, as it did before there were URLs.
    has_forms = able.form is not None or able.url is None
    if has_forms and caller.may_approve and not asked.request.sign_in:
        schema = schema_of(asked.request.form) if asked.request.form else SCHEMA
        return ElicitRequest(params=ElicitRequestFormParams(message=asked.text, requested_schema=schema))
    if able.url is not None:
        url = ElicitRequestURLParams(message=asked.text, url=page_of(asked.run.id), elicitation_id=asked.key)
        return ElicitRequest(params=url)
    return None


def take(caller: Caller, asked: Pending, request: ElicitRequest, result: ElicitResult) -> Reaction:
    """Do what the person's answer to `request` says. Whatever was meanwhile answered on the page stays."""
    if result.action == "cancel":
        return "left"
    if isinstance(request.params, ElicitRequestURLParams):
        if result.action == "accept":
            return "opened"
        services.cancel_run(asked.run)  # its key can't answer for the person, but may stop what it started
        return "answered"
    if not caller.may_approve:
        return "left"
    if asked.request.form:
        return _take_answers(asked, result)
    allowed = result.action == "accept" and (result.content or {}).get("decision") == "Allow"
    with suppress(Refused, RunOver):
        approving.answer_approval(asked.run, asked.request.call_id, allowed, digest=asked.request.digest)
    return "answered"


def _take_answers(asked: Pending, result: ElicitResult) -> Reaction:
    """Give the answers to the form; those that don't fit it leave it open, for the person to answer on the page."""
    request, given = asked.request, dict(result.content or {})
    action: FormAction = "accept" if result.action == "accept" else "decline"
    with suppress(Refused, RunOver):
        try:
            approving.answer_form(asked.run, request.call_id, action, lambda form: given, request.digest)
        except InvalidAnswers:
            return "left"
    return "answered"
