"""A person's account is closed at once; a worker erases what is theirs (web/operate/erasure.py)."""

from django.db import transaction
from django.utils import timezone

from web.accounts.models import User
from web.sending import send_task


@transaction.atomic
def erase_person(user: User) -> None:
    """Close the account and have everything of this person erased; there is no way back.

    Nobody can sign in to it or use its keys from now on. The rows go within an hour, stored bytes within three.
    """
    user.erased, user.is_active = timezone.now(), False
    user.set_password(None)
    user.save(update_fields=["erased", "is_active", "password"])
    user.api_keys.all().delete()
    transaction.on_commit(lambda: send_task("workers.tasks.erase", str(user.pk), queue="index"))
