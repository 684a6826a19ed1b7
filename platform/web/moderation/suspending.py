"""Suspending a person with a reason, as a case that they can appeal where they would sign in; and reactivating."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from web.accounts import people
from web.accounts.models import User
from web.accounts.outbox import notify
from web.languages import fitting
from web.moderation.cases import OF_ACCOUNT
from web.moderation.models import TEXT_CHARS, Case


@transaction.atomic
def suspend(person: User, reason: str, by: User) -> bool:
    """Suspend the person, who is told the reason. Whether they were active. Raises ValidationError."""
    if person == by:
        raise ValidationError("You can’t suspend yourself.")
    note = fitting(reason, TEXT_CHARS)
    case = Case(owner=person, decision=Case.Decision.SUSPEND, note=note, decided=timezone.now(), by=by)
    if not people.suspend(person, by, case=str(case.pk)):
        return False
    case.seen = False
    case.save()
    notify(person, "decisions", f"decided:{case.pk}", case=str(case.pk))
    return True


@transaction.atomic
def reactivate(person: User, note: str, by: User) -> bool:
    """Let the person sign in again, with a note for them. Whether they were suspended. Raises ValidationError."""
    note = fitting(note, TEXT_CHARS)
    if not people.reactivate(person, by):
        return False
    standing = Case.objects.filter(OF_ACCOUNT, owner=person, reversed=False)
    standing.update(reversed=True, answered=timezone.now(), answer=note, seen=False)
    return True
