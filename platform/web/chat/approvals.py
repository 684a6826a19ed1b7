"""A run's approval requests and forms, and the person's answers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.utils.text import get_text_list
from django.utils.translation import gettext

from gpts.runs.form_answers import InvalidAnswers
from gpts.runs.forms import FormField
from gpts.runs.steps import Approval, ApprovalRequest, Delegator, Log
from gpts.safety.policy import READ, SENDS, listed
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.gpt import GptSpec
from web.builder.models_actions import Action, Auth
from web.builder.sign_ins import sign_in_hosts
from web.chat.links import page_url
from web.chat.phrases import tool_name
from web.runs.inputs_of import PREFIX
from web.runs.models import Run
from web.runs.trees import delegated_by, waiting
from web.worker_texts import said

# gpts.safety.policy.SENDS; the words may hold anything, so the last host counts.
_SENT: Final = re.compile(
    r"It sends (.+) to (\S+|an external service)\.(?: (It may contain content from .+))?", re.DOTALL
)


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
    given: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def asker(self) -> str:
        """Who asks the question of a form: a server, or the GPT."""
        return (self.request.form and self.request.form.asker) or self.name

    @property
    def fields(self) -> tuple["ShownField", ...]:
        """The fields of the form, with what they hold."""
        form = self.request.form
        if form is None:
            return ()
        held = {each.name: each.default for each in form.fields} | dict(self.given)
        return tuple(
            ShownField(each, f"{self.request.digest[:8]}-{n}", held[each.name], self.errors.get(each.name, ""))
            for n, each in enumerate(form.fields)
        )

    def corrected(self, given: Mapping[str, Any], invalid: InvalidAnswers) -> "ApprovalCard":
        """The card with these answers and what is wrong with them."""
        return replace(self, given=given, errors=invalid.errors)

    @property
    def faults(self) -> str:
        """What is wrong with the answers, in one sentence for each field."""
        return " ".join(f"{each.field.label}: {each.error}" for each in self.fields if each.error)

    @property
    def authors(self) -> str:
        """The authors of the external content that the run has read, as part of a sentence; empty if none."""
        return get_text_list([said(each) for each in self.request.because], gettext("and"))

    @property
    def reason(self) -> str:
        """Why the person is asked, in the page's language. The words that would be sent stay as they are."""
        told = READ.format(authors=listed(self.request.because)) if self.request.because else "\0"
        first, is_told, last = self.request.reason.rpartition(told)
        first, last = (first.strip(), last.strip()) if is_told else (last, "")
        if sent := _SENT.fullmatch(first):
            words, host, rest = sent.groups("")
            parts = [gettext(SENDS).format(words=words, host=said(host)), said(rest)]
        else:
            parts = [said(first)]
        read = gettext(READ).format(authors=self.authors) if is_told else ""
        return " ".join(filter(None, (*parts, read, said(last))))

    @property
    def chain(self) -> str:
        """The chain of GPTs that led to this request, shown before the title; empty if the person asked directly."""
        if not self.through:
            return ""
        first, *rest = (*self.through, self.name)
        asked = gettext(", which asked ").join(rest)
        if self.request.sign_in:
            text = gettext("{first} asked {asked}, which needs you to:")
        elif self.request.form:
            text = gettext("{first} asked {asked}, which asks you:")
        else:
            text = gettext("{first} asked {asked}, which wants to:")
        return text.format(first=first, asked=asked)


# The form shows as many options at once; more are in a list that opens.
MAX_RADIOS: Final = 6
_INPUTS: Final = {
    "text": "text",
    "email": "email",
    "url": "url",
    "date": "date",
    "date_time": "datetime-local",
    "number": "number",
    "integer": "number",
}


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of a form with the answer that it holds, and what is wrong with that."""

    field: FormField
    id: str
    value: Any = None
    error: str = ""

    @property
    def name(self) -> str:
        """Of the element of the form."""
        return PREFIX + self.field.name

    @property
    def is_group(self) -> bool:
        """Whether each of its options is an element of its own."""
        return self.field.kind == "several_choices" or (
            self.field.kind == "choice" and len(self.field.options) <= MAX_RADIOS
        )

    @property
    def input(self) -> str:
        """The type of its element; empty for a list or several lines."""
        match self.field.kind:
            case "several_choices":
                return "checkbox"
            case "choice":
                return "radio" if self.is_group else ""
        return "" if self.field.is_long else _INPUTS.get(self.field.kind, "checkbox")

    @property
    def options(self) -> tuple[tuple[str, str, bool], ...]:
        """Each option with its title, and whether it is chosen."""
        chosen = self.value if isinstance(self.value, list | tuple) else (self.value,)
        return tuple((value, title, value in chosen) for value, title in self.field.choices)

    @property
    def shown(self) -> str:
        """The value as the element holds it."""
        text = "" if self.value is None else str(self.value)
        return text.removesuffix("Z")[:16] if self.field.kind == "date_time" else text


def cards(run: Run) -> tuple[ApprovalCard, ...]:
    """The open requests of the run and of all its child runs, oldest first."""
    return tuple(card(each, each.version.spec(), request, delegated_by(each)) for each, request in waiting(run))


def card(run: Run, spec: GptSpec, request: ApprovalRequest, delegators: Sequence[Delegator] = ()) -> ApprovalCard:
    """The card for `request`."""
    named = tool_name(spec, request.name)
    builtin = BUILTIN_TOOLS.get(request.name)
    is_own = builtin is not None and request.title in ("", builtin.spec.title)
    title = gettext(builtin.spec.title) if builtin and is_own else request.title or named.title
    host = request.sign_in or request.host or named.host
    url = page_url("action_sign_in", named.action_id) if request.sign_in else ""
    others = other_hosts(named.action_id) if request.sign_in else ()
    through = tuple(delegator.name for delegator in delegators)
    return ApprovalCard(run, request, spec.name, title, host, url, others, through)


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
        return gettext("expired without an answer")
    if requests[-1].form:
        return gettext("you answered") if last.allowed else gettext("you didn’t answer")
    if requests[-1].sign_in:
        return gettext("you signed in") if last.allowed else gettext("you didn’t sign in")
    return gettext("you allowed it") if last.allowed else gettext("you declined it")
