"""The requests that a run puts before its person, and what became of them."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from gpts.spec import GptSpec
from gpts.steps import Approval, ApprovalRequest, Log, pending_approvals
from web.chat.tool_names import tool_name


@dataclass(frozen=True, slots=True)
class Card:
    """A request that waits for an answer. `sign_in_url` leads to the host where the person must sign in first."""

    request: ApprovalRequest
    title: str
    host: str
    sign_in_url: str

    @property
    def authors(self) -> str:
        """Who wrote the text from outside that the run has read, as part of a sentence; empty if nobody."""
        *others, last = self.request.because or ("",)
        return f"{', '.join(others)} and {last}" if others else last


def cards(spec: GptSpec, log: Log) -> tuple[Card, ...]:
    """The requests that nobody has answered, oldest first."""
    return tuple(_card(spec, request) for request in pending_approvals(log))


def _card(spec: GptSpec, request: ApprovalRequest) -> Card:
    named = tool_name(spec, request.name)
    host = request.sign_in or getattr(request, "host", "") or named.host
    address = _sign_in_address(named.action_id) if request.sign_in else ""
    return Card(request, request.title or named.title, host, address)


def _sign_in_address(action_id: str) -> str:
    try:
        return reverse("action_sign_in", args=[action_id]) if action_id else ""
    except NoReverseMatch:  # the action left the GPT
        return ""


def verdict(log: Log, call_id: str) -> str:
    """How the person answered the request for this call, in a few words; empty where nobody was asked or answered."""
    answers = [step for step in log if isinstance(step, Approval) and step.call_id == call_id]
    requests = [step for step in log if isinstance(step, ApprovalRequest) and step.call_id == call_id]
    if not answers or not requests:
        return ""
    last = answers[-1]
    if last.expired:
        return "nobody answered in time, so it was not done"
    if requests[-1].sign_in:
        return "you signed in" if last.allowed else "you did not sign in"
    return "you allowed it" if last.allowed else "you declined it"
