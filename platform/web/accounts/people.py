"""What becomes of people: operators suspend, reactivate and sign them out, and accounts are closed for good."""

from django.db import transaction
from django.utils import timezone

from web.accounts import audit
from web.accounts.models import User
from web.accounts.models_directory import DirectoryEntry
from web.accounts.sessions import end_all_sessions
from web.sending import send_task


@transaction.atomic
def suspend(user: User, by: User | None, **facts: audit.Fact) -> bool:
    """Let the person do nothing any more: sessions end, keys and programs are refused, streams close within seconds.

    What they made stays as it is. A directory no longer reactivates them. Whether they were active. `facts`: for the
    audit log.
    """
    DirectoryEntry.objects.filter(user=user, suspended=True).update(suspended=False)
    if not User.objects.filter(id=user.pk, is_active=True).update(is_active=False):
        return False
    audit.record(audit.Act.PERSON_SUSPENDED, by, user, **facts)
    sign_out_everywhere(user, by)
    return True


@transaction.atomic
def reactivate(user: User, by: User | None, **facts: audit.Fact) -> bool:
    """Let the person sign in again; their keys work again. Whether they were suspended. `facts`: as for `suspend`."""
    if not User.objects.filter(id=user.pk, is_active=False, erased=None).update(is_active=True):
        return False
    audit.record(audit.Act.PERSON_REACTIVATED, by, user, **facts)
    return True


@transaction.atomic
def sign_out_everywhere(user: User, by: User | None) -> None:
    """End all sessions and sign-in links of the person. Their API keys and connected programs go on."""
    user.sign_in_links.all().delete()
    end_all_sessions(user, by)


def is_last_operator(user: User) -> bool:
    """Whether the site would have no active operator without `user`."""
    return user.is_staff and not User.objects.filter(is_staff=True, is_active=True).exclude(id=user.pk).exists()


@transaction.atomic
def close(user: User, by: User) -> None:
    """Close the account at once, and have what is theirs erased; `by`: the person, or an operator. No way back.

    Nobody can sign in to it or use its keys from now on. The rows go within an hour, stored bytes within three, see
    web/operate/erasure.py.
    """
    audit.record(audit.Act.PERSON_CLOSED, by, user)
    sign_out_everywhere(user, by)
    user.erased, user.is_active = timezone.now(), False
    user.set_password(None)
    user.save(update_fields=["erased", "is_active", "password"])
    user.api_keys.all().delete()
    transaction.on_commit(lambda: send_task("workers.tasks.erase", str(user.pk), queue="index"))
