"""Reports by people, decisions of operators, and appeals by those whose things were reported.

Whoever may see something may report it. Its owner learns what was decided and why, never who reported it.
"""

from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext

from web.accounts.audit import Act, record
from web.accounts.models import User
from web.accounts.outbox import notify, notify_operators
from web.accounts.quotas import lock
from web.builder.access import access_gpt
from web.builder.notify import of_gpt
from web.languages import fitting
from web.moderation import consequences
from web.moderation.models import TEXT_CHARS, Case, Reason, Report
from web.runs import sharing
from web.store import reviews

Thing = dict[str, Any]
Kind = Literal["gpt", "review", "chat"]
Decision = Case.Decision
# Reports of one person within a day.
MAX_A_DAY: Final = 20
# What can be decided about what.
DECISIONS: Final[dict[str, tuple[Decision, ...]]] = {
    "gpt": (Decision.NONE, Decision.UNLIST, Decision.WITHDRAW, Decision.SUSPEND),
    "review": (Decision.NONE, Decision.REMOVE, Decision.SUSPEND),
    "chat": (Decision.NONE, Decision.REMOVE, Decision.SUSPEND),
    "account": (),  # decided by suspending.py from the beginning
}
OF_ACCOUNT: Final = Q(gpt=None, review=None, share=None)
OPEN: Final = Q(decided=None) | Q(appealed__isnull=False, answered=None)
_RELATED: Final = ("owner", "gpt__published", "review__gpt__published", "share__conversation")


def access_thing(user: Any, kind: Kind, key: str) -> Thing:
    """What `user` may see and so report, as fields of a case: a GPT by its slug, a review, or a shared chat's token.

    Raises Http404.
    """
    if kind == "gpt":
        gpt = access_gpt(user, key)
        return {"gpt": gpt, "owner": gpt.owner}
    if kind == "review":
        review = reviews.access_review(user, _uuid(key))
        return {"review": review, "owner": review.owner}
    try:
        share = sharing.access(user, key)
    except PermissionError:
        raise Http404(gettext("This chat is no longer shared.")) from None
    return {"share": share, "owner": share.owner}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(gettext("Review not found.")) from None


def report(user: User, thing: Thing, reason: str, text: str) -> Report:
    """Tell operators about a thing from `access_thing`; a second time changes the report. Raises ValidationError."""
    text = fitting(text, TEXT_CHARS)
    if reason not in Reason.values:
        raise ValidationError({"reason": gettext("Choose a reason.")})
    with transaction.atomic():
        lock(user.pk)
        case, _ = Case.objects.get_or_create(**thing, decided=None)
        if not case.reports.filter(owner=user).exists():
            today = Report.objects.filter(owner=user, created__gte=timezone.now() - timedelta(days=1))
            if today.count() >= MAX_A_DAY:
                raise ValidationError(gettext("You can report {n} things a day.").format(n=MAX_A_DAY))
            record(Act.REPORT_FILED, user, case, reason=reason)
            notify_operators("reports", f"report:{case.pk}", case=str(case.pk))
        made, _ = case.reports.update_or_create(owner=user, defaults={"reason": reason, "text": text})
    return made


def choices_for(case: Case, by: User) -> tuple[Decision, ...]:
    """What `by` can decide. Moderators have nothing to do with people: they don't suspend anybody."""
    return tuple(each for each in DECISIONS[case.kind] if by.is_staff or each != Decision.SUSPEND)


def queue() -> QuerySet[Case]:
    """What operators have to decide, oldest first."""
    return Case.objects.filter(OPEN).select_related(*_RELATED).prefetch_related("reports__owner").order_by("created")


def access_case(case_id: UUID) -> Case:
    """A case, for an operator. Raises Http404."""
    case = Case.objects.filter(id=case_id).select_related(*_RELATED).first()
    if case is None:
        raise Http404("Report not found.")
    return case


def decided_about(user: User) -> QuerySet[Case]:
    """What was decided about the things of `user`; what nothing followed from they need not know."""
    decided = Case.objects.filter(owner=user, decided__isnull=False).exclude(decision=Decision.NONE)
    return decided.select_related(*_RELATED).order_by("-decided")


@transaction.atomic
def decide(case: Case, decision: str, note: str, by: User) -> Case:
    """Decide an open case, and do what follows. Raises ValidationError."""
    case = _locked(case)
    if case.decided:
        raise ValidationError("This was decided already.")
    if decision not in (choices := choices_for(case, by)):
        raise ValidationError({"decision": f"Choose one of: {', '.join(choices)}."})
    case.decision, case.note, case.by = decision, fitting(note, TEXT_CHARS), by
    case.decided, case.seen = timezone.now(), decision == Decision.NONE
    case.save()
    consequences.bring_about(case, by)
    record(Act.REPORT_DECIDED, by, case, decision=decision)
    if decision != Decision.NONE:
        notify(case.owner, "decisions", f"decided:{case.pk}", case=str(case.pk))
        if case.gpt:
            of_gpt(case.gpt, "report.decided", decision=str(case.pk), kind=decision)
    return case


@transaction.atomic
def appeal(user: User, case_id: UUID, text: str) -> Case:
    """The owner asks once for another decision. Raises Http404, ValidationError."""
    case = decided_about(user).filter(id=case_id).first()
    if case is None:
        raise Http404(gettext("Decision not found."))
    case = _locked(case)
    if case.state != "decided":
        raise ValidationError(gettext("You have appealed already."))
    if not (text := fitting(text, TEXT_CHARS)):
        raise ValidationError({"text": gettext("Say why the decision is wrong.")})
    case.appeal, case.appealed = text, timezone.now()
    case.save(update_fields=["appeal", "appealed"])
    record(Act.REPORT_APPEALED, user, case)
    notify_operators("reports", f"appeal:{case.pk}", case=str(case.pk))
    return case


@transaction.atomic
def answer_appeal(case: Case, *, grants: bool, note: str, by: User) -> Case:
    """Take the decision back, or keep it. Raises ValidationError."""
    case = _locked(case)
    if case.state != "appealed":
        raise ValidationError("There is no appeal to answer.")
    if case.decision == Decision.SUSPEND and not by.is_staff:
        raise ValidationError("Only admins answer appeals of people who are suspended.")
    case.reversed, case.answer = grants, fitting(note, TEXT_CHARS)
    case.answered, case.seen = timezone.now(), False
    case.save()
    if grants:
        consequences.take_back(case, by)
    notify(case.owner, "decisions", f"answered:{case.pk}", case=str(case.pk), is_answer=True)
    record(Act.REPORT_ANSWERED, by, case, granted=grants)
    return case


def _locked(case: Case) -> Case:
    """The case as it is now, locked. Locks no nullable joins, which PostgreSQL refuses."""
    return Case.objects.select_for_update().get(pk=case.pk)


def mark_seen(user: User) -> None:
    """Note that the person has the decisions on a page."""
    Case.objects.filter(owner=user, seen=False).update(seen=True)
