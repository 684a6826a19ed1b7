"""A run's approval requests, and the person's answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.text import get_text_list

from gpts.runs.steps import Approval, ApprovalRequest, Delegator, Log
from gpts.spec.gpt import GptSpec
from web.builder.models_actions import Action, Auth
from web.builder.sign_ins import sign_in_hosts
from web.chat.links import page_url
from web.chat.phrases import tool_name
from web.runs.models import Run
from web.runs.trees import delegated_by, waiting


@dataclass(frozen=True, slots=True)
class ApprovalCard:
    """A request of `run` that waits for an answer. With `sign_in_url` the person must sign in there.

    `others` are the further hosts that take part in that sign-in. `name` is the GPT that asks, `through` are the GPTs
    that delegated to it, outermost first.
    """

    run: Run
    request: ApprovalRequest
    name: str
    title: str
    host: str
    sign_in_url: str
    others: tuple[str, ...] = ()
    through: tuple[str, ...] = ()

    @property
    def authors(self) -> str:
        """The authors of the external content that the run has read, as part of a sentence; empty if none."""
        return get_text_list(list(self.request.because), "and")

    @property
    def chain(self) -> str:
        """The chain of GPTs that led to this request, shown before the title; empty if the person asked directly."""
        if not self.through:
            return ""
        first, *rest = (*self.through, self.name)
        wants = "needs you to:" if self.request.sign_in else "wants to:"
        return f"{first} asked {', which asked '.join(rest)}, which {wants}"


def cards(run: Run) -> tuple[ApprovalCard, ...]:
    """The open requests of the run and of all its child runs, oldest first."""
    return tuple(card(each, each.version.spec(), request, delegated_by(each)) for each, request in waiting(run))


def card(run: Run, spec: GptSpec, request: ApprovalRequest, delegators: Sequence[Delegator] = ()) -> ApprovalCard:
    """The card for `request`."""
    named = tool_name(spec, request.name)
    host = request.sign_in or request.host or named.host
    url = page_url("action_sign_in", named.action_id) if request.sign_in else ""
    others = other_hosts(named.action_id) if request.sign_in else ()
    through = tuple(delegator.name for delegator in delegators)
    return ApprovalCard(run, request, spec.name, request.title or named.title, host, url, others, through)


def other_hosts(action_id: str) -> tuple[str, ...]:
    """The hosts besides the API's own that take part when people sign in to an action; none if it is gone."""
    action = Action.objects.filter(id=action_id, auth=Auth.OAUTH).first()
    return tuple(host for host in sign_in_hosts(action) if host != action.host) if action else ()


def verdict(log: Log, call_id: str) -> str:
    """The person's answer to the request for this call, in words; empty without a request or an answer."""
    answers = [step for step in log if isinstance(step, Approval) and step.call_id == call_id]
    requests = [step for step in log if isinstance(step, ApprovalRequest) and step.call_id == call_id]
    if not answers or not requests:
        return ""
    last = answers[-1]
    if last.expired:
        return "expired without an answer"
    if requests[-1].sign_in:
        return "you signed in" if last.allowed else "you didn’t sign in"
    return "you allowed it" if last.allowed else "you declined it"
