"""The tables of chats that people bring from other systems."""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

from web.accounts.models import User


class ChatImport(models.Model):
    """An export of chats that a worker reads. Its file is deleted once it was read.

    `n_left_out` counts pictures, recordings and files that only their names were kept of.
    """

    class Status(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", gettext_lazy("Waiting")
        RUNNING = "running", gettext_lazy("Importing")
        DONE = "done", gettext_lazy("Done")
        FAILED = "failed", gettext_lazy("Failed")

    OPEN = (Status.WAITING, Status.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="chat_imports")
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    n_new = models.PositiveIntegerField(default=0)
    n_updated = models.PositiveIntegerField(default=0, help_text="Imported before, and changed there since.")
    n_known = models.PositiveIntegerField(default=0, help_text="Imported before, and still the same.")
    n_kept = models.PositiveIntegerField(
        default=0, help_text="Changed there, but also continued here: left as it is."
    )
    n_unreadable = models.PositiveIntegerField(default=0)
    unreadable = models.JSONField(default=list, help_text="Titles of the first that could not be read.")
    n_left_out = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="Until when a worker has claimed it.")
    woken = models.DateTimeField(default=timezone.now, help_text="When a worker was last asked for.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "id"]
        indexes = [models.Index(fields=["status", "woken"], name="chat_import_open")]

    def __str__(self) -> str:
        return self.name

    @property
    def can_be_undone(self) -> bool:
        """Whether it is over and brought chats that are still there."""
        return self.status not in self.OPEN and self.chats.filter(conversation__deleted=None).exists()

    @property
    def path(self) -> Path:
        """Where its file is until it was read."""
        return Path(settings.GUILDHALL_HOME) / "imports" / str(self.id)


class ImportedChat(models.Model):
    """A chat that came from `source`, by its id there. `digest` is that of what was imported, in `n_answers`.

    `chat_import` brought it; None once that is forgotten.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=20)
    source_id = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    n_answers = models.PositiveIntegerField()
    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="+")
    chat_import = models.ForeignKey(ChatImport, on_delete=models.SET_NULL, null=True, related_name="chats")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "source", "source_id"], name="chat_imported_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.source_id}"
