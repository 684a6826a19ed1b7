"""What operators do with people and groups, in the console and over `/api`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from web.accounts import audit, people, quotas
from web.accounts.models import User
from web.accounts.passwords import new_password
from web.accounts.services import confirmed_people, live_keys, vouch_for_address
from web.accounts.user_names import address_of, name_of
from web.builder import stewardship
from web.builder.models_files import KnowledgeFile
from web.runs.models import Conversation

N_NAMED = 10
NO_ACCOUNT: Final = "No account with the confirmed address"
CONFIRM_FIRST: Final = "Anybody can register an address: confirm it on the person’s page first."


def people_here() -> QuerySet[User]:
    """People with an account which is not closed, with `email_confirmed`. Visitors of other sites have none."""
    confirmed = Exists(confirmed_people().filter(pk=OuterRef("pk")))
    return User.objects.filter(widget_visitor=None, erased=None).annotate(email_confirmed=confirmed)


def person_with_address(sent: str) -> User:
    """The person who proved this email address, to whom a GPT goes. Raises ValidationError."""
    email = address_of(sent)
    person = confirmed_people().filter(email=email).first()
    if person is None:
        raise ValidationError(f"{NO_ACCOUNT} {email}. {CONFIRM_FIRST}")
    return person


@transaction.atomic
def confirm_address(person: User, by: User) -> None:
    """Note that the address is the person's, as an operator says who knows them. Raises ValidationError."""
    if not vouch_for_address(person):
        raise ValidationError(f"Another account has confirmed {person.email}.")
    audit.record(audit.Act.PERSON_CHANGED, by, person, address="confirmed")


@transaction.atomic
def set_new_password(person: User, by: User) -> str:
    """A new password for somebody who forgot theirs, and has no mail to set one by; it ends their sessions."""
    password = new_password()
    person.set_password(password)
    person.save(update_fields=["password"])
    audit.record(audit.Act.PASSWORD_CHANGED, by, person)
    return password


def belongings(person: User) -> dict[str, Any]:
    """What there is of the person, as numbers and names of GPTs."""
    gpts = person.gpts.filter(deleted=None)
    return {
        "gpts": list(gpts.values_list("name", flat=True)[:N_NAMED]),
        "n_gpts": gpts.count(),
        "n_chats": Conversation.objects.filter(owner=person, deleted=None).count(),
        "n_files": KnowledgeFile.objects.filter(gpt__in=gpts, removed=None).count(),
        "n_keys": live_keys(person).count(),
    }


@transaction.atomic
def erase(person: User, by: User, to: User | None) -> None:
    """Close the account and have what is theirs erased; `to` gets their GPTs. Raises ValidationError."""
    if to:
        for gpt in person.gpts.filter(deleted=None):
            stewardship.transfer(gpt, to, by)
    people.close(person, by)


def change_members(
    group: Group, sent: Iterable[str], by: Any, *, leave: bool = False
) -> tuple[list[User], list[str]]:
    """Put the people with these user names or proved addresses into the group, or take people out.

    Who they are, and the rest of what was `sent`.
    """
    wanted = {address_of(each) for each in sent}
    found = list((people_here() if leave else confirmed_people()).filter(email__in=wanted))
    with transaction.atomic():
        (group.user_set.remove if leave else group.user_set.add)(*found)
        for person in found:
            how = "removed" if leave else "added"
            audit.record(audit.Act.GROUP_CHANGED, by, group, how=how, person=person.pk)
    return found, sorted(map(name_of, wanted - {person.email for person in found}))


@transaction.atomic
def replace_limits(whose: User | Group, limits: Mapping[str, int | None], by: User) -> None:
    """Set the quotas of a person or group to exactly these; None for no limit."""
    before = quotas.limits_set(whose)
    whose.quota_limits.exclude(kind__in=limits).delete()
    for kind, most in limits.items():
        whose.quota_limits.update_or_create(kind=kind, defaults={"most": most})
    quotas.record_changes(by, whose, before, dict(limits))
