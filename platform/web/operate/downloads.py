"""Writes about downloads of base models: begun and stopped by operators, done by a process beside the model worker.

That process holds its row by `claim`, and extends `claimed_until`. Clearing the claim here stops it, as its next
report matches no row. One that was killed is started again when its claim expires, and goes on where it stopped.
"""

import uuid
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from gpts.spec.base_models import BUNDLED, hub_name
from web.operate.models import CLAIM, ModelDownload
from web.operate.services import choose_model, chosen_model
from web.sending import send_task

Status = ModelDownload.Status

# After a download that nobody watches failed.
RETRY: Final = timedelta(minutes=15)
_UNCLAIMED: Final[dict[str, Any]] = {"claim": "", "claimed_until": None, "error": "", "retry_at": None}
NOT_A_NAME: Final = gettext_lazy("Enter a name as on the hub: org/name, or org/name:file.gguf for one GGUF file.")


def request_download(name: str, accepted: str = "", *, automatic: bool = False, is_listed: bool = False) -> None:
    """Queue the download of the model called `name`, unless it is in progress; without `accepted`, only look it up.

    `accepted`: the licence that somebody accepted. `is_listed`: the name is one of the catalogue. Raises
    ValidationError for what cannot be a name.
    """
    if not is_listed and hub_name(name) is None:
        raise ValidationError(NOT_A_NAME)
    with transaction.atomic():
        row, created = ModelDownload.objects.get_or_create(
            name=name, defaults={"accepted": accepted, "automatic": automatic}
        )
        idle = ModelDownload.objects.filter(id=row.id).exclude(status__in=(*ModelDownload.IN_PROGRESS, Status.DONE))
        fresh = {**_UNCLAIMED, "status": Status.WAITING, "accepted": accepted or row.accepted, "speed": 0.0}
        if created or idle.update(**fresh):
            transaction.on_commit(lambda: send_task("workers.tasks.download_models", str(row.id), queue="model"))


def stop_download(name: str) -> bool:
    """Stop the download within seconds, keeping what it has. Whether there was anything to stop."""
    rows = ModelDownload.objects.filter(name=name, status__in=ModelDownload.IN_PROGRESS)
    return bool(rows.update(**_UNCLAIMED, status=Status.CANCELLED, speed=0.0))


def forget_download(name: str) -> None:
    """Remove the row of a download that is over. One that BASE_MODEL=auto began does not begin again."""
    rows = ModelDownload.objects.filter(name=name).exclude(status__in=ModelDownload.IN_PROGRESS)
    if rows.filter(automatic=True).exists() and chosen_model() is None:
        choose_model(BUNDLED)
    rows.delete()


def claim_downloads() -> list[ModelDownload]:
    """The downloads to do now, claimed by the caller: new, failed long ago, or left by a dead process."""
    now = timezone.now()
    due = ModelDownload.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now),
        Q(status__in=ModelDownload.IN_PROGRESS) | Q(status=Status.FAILED, retry_at__lt=now),
    )
    claims = {row.id: uuid.uuid4().hex for row in due}
    won = [id for id, claim in claims.items() if due.filter(id=id).update(claim=claim, claimed_until=now + CLAIM)]
    return list(ModelDownload.objects.filter(id__in=won, claim__in=claims.values()))


class Claim:
    """A claimed row, which only its process writes. Safe for threads."""

    def __init__(self, row_id: int, claim: str) -> None:
        self._held = ModelDownload.objects.filter(id=row_id, claim=claim).exclude(claim="")

    def row(self) -> ModelDownload | None:
        """The row; None if the claim is lost."""
        return self._held.first()

    def save(self, **fields: Any) -> bool:
        """Write fields and extend the claim. False if it is lost."""
        return bool(self._held.update(**fields, claimed_until=timezone.now() + CLAIM))

    def end(self, status: Status, **fields: Any) -> bool:
        """Write the fields and the status, and give the row back. False if the claim was lost."""
        return bool(self._held.update(**{**_UNCLAIMED, **fields}, status=status, speed=0.0))

    def fail(self, error: str) -> None:
        """Say why the download failed. One that nobody watches is tried again later."""
        row = self.row()
        retry_at = timezone.now() + RETRY if row and row.automatic else None
        self.end(Status.FAILED, error=error[:500], retry_at=retry_at)
