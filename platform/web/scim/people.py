"""People, as a directory sees and changes them. Everything is in the audit log, with the token that did it.

A directory makes nobody an operator, changes no operator's address, and never suspends the last one. It reactivates
only whom a directory suspended, and no operators. Deleting a person suspends them and hides them from directories:
what they made stays, and is theirs again if a directory creates the address again, unless it says by another
`externalId` that this is somebody else.
"""

from django.db.models import Q, QuerySet
from scim2_models import ForbiddenException, Meta, UniquenessException

from web.accounts import audit, memberships, people
from web.accounts.models import User
from web.accounts.models_directory import DirectoryEntry
from web.accounts.services import forget_proof
from web.scim import resources, values
from web.scim.resources import SentPerson

SOURCE = "scim"
TAKEN = "There is one with this name already."
ANOTHER = "Somebody else had this address, with another externalId. An admin of the site erases that account first."


def visible() -> QuerySet[User]:
    """The people whom directories see: all with an account, except those that one deleted."""
    return User.objects.filter(widget_visitor=None, erased=None).exclude(directory_entry__deleted=True)


def shown(user: User) -> resources.User:
    """A person of `visible`, with `directory_entry` and `groups`."""
    entry = _entry(user)
    groups = [
        resources.Membership(value=str(group.pk), ref=resources.reference("Groups", group.pk), display=group.name)
        for group in user.groups.all()
    ]
    name = resources.PersonName(given_name=entry.given_name or None, family_name=entry.family_name or None)
    return resources.User(
        id=str(user.pk),
        external_id=entry.external_id or None,
        user_name=user.email,
        name=name if entry.given_name or entry.family_name else None,
        display_name=user.name or None,
        active=user.is_active,
        emails=[resources.Address(value=user.email, primary=True)],
        groups=groups or None,
        meta=Meta(resource_type="User", created=user.date_joined, location=resources.location("Users", user.pk)),
    )


def as_sent(user: User) -> SentPerson:
    """What a directory could have sent to describe the person, for it to change."""
    return SentPerson.model_validate(shown(user).model_dump())


def create(sent: SentPerson, token: int) -> User:
    """A new account, without a password; or that of a person whom a directory deleted. Raises UniquenessException."""
    email = values.address(sent.user_name)
    deleted = User.objects.filter(email=email, directory_entry__deleted=True, erased=None)
    user = deleted.select_related("directory_entry").first()
    if user and sent.external_id and _entry(user).external_id not in ("", sent.external_id):
        raise UniquenessException(attribute="userName", detail=ANOTHER)
    if user is None:
        if _is_taken(email):
            raise UniquenessException(attribute="userName", detail=TAKEN)
        user = User.objects.create_user(email)
        audit.record(audit.Act.PERSON_CREATED, None, user, source=SOURCE, token=token)
    DirectoryEntry.objects.update_or_create(user=user, defaults={"deleted": False})
    user.refresh_from_db()
    return change(user, sent, token)


def change(user: User, sent: SentPerson, token: int, *, is_part: bool = False) -> User:
    """Make the person what `sent` describes. `is_part`: names that it lacks were removed, not left out."""
    entry, _ = DirectoryEntry.objects.get_or_create(user=user)
    before = user.email, user.name, entry.external_id, entry.given_name, entry.family_name
    _set_address(user, values.address(sent.user_name))
    name = sent.name or resources.PersonName()
    entry.external_id = values.exactly(sent.external_id, 255, "externalId")
    entry.given_name, entry.family_name = values.text(name.given_name, 100), values.text(name.family_name, 100)
    in_full = "" if is_part else f"{entry.given_name} {entry.family_name}"
    user.name = values.text(sent.display_name or in_full, 60)
    after = user.email, user.name, entry.external_id, entry.given_name, entry.family_name
    if after != before:
        user.save(update_fields=["email", "name"])
        entry.save()
        is_moved = after[0] != before[0]
        audit.record(audit.Act.PERSON_CHANGED, None, user, source=SOURCE, token=token, address=is_moved)
    if sent.active is not None:
        _set_active(user, sent.active, token)
    return visible().get(pk=user.pk)


def delete(user: User, token: int) -> None:
    """Suspend the person, end the memberships that directories gave, and see them no longer."""
    _set_active(user, False, token)
    memberships.take_over(user, [], SOURCE)
    gone = {"deleted": True, "given_name": "", "family_name": ""}
    DirectoryEntry.objects.update_or_create(user=user, defaults=gone)
    audit.record(audit.Act.PERSON_CHANGED, None, user, source=SOURCE, token=token, deleted=True)


def _entry(user: User) -> DirectoryEntry:
    found: DirectoryEntry | None = getattr(user, "directory_entry", None)
    return found or DirectoryEntry(user=user)


def _is_taken(email: str, but: User | None = None) -> bool:
    others = User.objects.exclude(pk=but.pk) if but else User.objects.all()
    is_theirs = Q(email=email) | Q(emailaddress__email=email, emailaddress__verified=True)
    return others.filter(is_theirs).exists()


def _set_address(user: User, email: str) -> None:
    """Give the account another address: sign-in links and addresses that were confirmed before end."""
    if email == user.email:
        return
    if user.is_staff:
        raise ForbiddenException(detail="The address of an admin of the site is changed there only.")
    if _is_taken(email, user):
        raise UniquenessException(attribute="userName", detail=TAKEN)
    user.email = email
    forget_proof(user)


def _set_active(user: User, is_wanted: bool, token: int) -> None:
    """Suspend or reactivate. Raises ForbiddenException for the last operator."""
    if is_wanted == user.is_active:
        return
    facts: dict[str, audit.Fact] = {"source": SOURCE, "token": token}
    if is_wanted:
        if not user.is_staff and _entry(user).suspended:
            people.reactivate(user, None, **facts)
        return
    if user.is_staff:  # so that two requests do not suspend the last two
        list(User.objects.select_for_update().filter(is_staff=True).values_list("pk"))
    if people.is_last_operator(user):
        raise ForbiddenException(detail="The last admin of the site can’t be suspended.")
    people.suspend(user, None, **facts)
    DirectoryEntry.objects.update_or_create(user=user, defaults={"suspended": True})
