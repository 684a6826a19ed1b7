"""The backups that were made, for the operator's console."""

from pathlib import Path
from typing import ClassVar

from django.db import models
from django.utils import timezone

from web.accounts.models import User


class Backup(models.Model):
    """A backup that is wanted, was made, or, with an `error`, could not be or is damaged.

    `missing`: content that was lost before. `verified`: when every byte was read back and the keys were opened.
    """

    class State(models.TextChoices):
        """Where it stands. Only READY ones are good; CHECKED are read back once more."""

        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Being written"
        CHECKED = "checked", "Being verified"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    # A worker has something to do with these.
    MOVING: ClassVar = (State.WAITING, State.RUNNING, State.CHECKED)

    class Origin(models.TextChoices):
        """What asked for it."""

        SCHEDULE = "schedule", "The schedule"
        COMMAND = "command", "A command"
        PERSON = "person", "An admin"

    path = models.CharField(max_length=1000)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    n_files = models.PositiveIntegerField(default=0)
    n_missing = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    error = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=8, choices=State.choices, default=State.READY)
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.COMMAND)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    verified = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["Backup"]]

    class Meta:
        ordering: ClassVar = ["-created", "-id"]

    def __str__(self) -> str:
        return self.path

    @property
    def name(self) -> str:
        """Of its file."""
        return Path(self.path).name

    @property
    def is_there(self) -> bool:
        """Whether its file is where it was written."""
        return bool(self.path) and Path(self.path).is_file()

    @property
    def is_moving(self) -> bool:
        """Whether a worker has something to do with it."""
        return self.state in self.MOVING

    @property
    def who(self) -> str:
        """What or who asked for it."""
        return self.by.email if self.by else self.get_origin_display()


def last_backup() -> Backup | None:
    """The last backup that succeeded."""
    return Backup.objects.filter(error="", state__in=(Backup.State.READY, Backup.State.CHECKED)).first()
