"""The tables of batches: files of requests that run while nobody waits."""

import uuid

from django.db import models
from django.utils import timezone

from web.accounts.models import User
from web.runs.models import ConversationFile


class Batch(models.Model):
    """A file of requests to `endpoint`. `moments` has when each status began, in seconds since 1970.

    The counts are those of its lines, which are deleted once their results are in the files. After a refusal for want
    of quota it goes on at `resumes`.
    """

    class Status(models.TextChoices):
        """The statuses of OpenAI's Batches."""

        VALIDATING = "validating"
        FAILED = "failed"
        IN_PROGRESS = "in_progress"
        FINALIZING = "finalizing"
        COMPLETED = "completed"
        EXPIRED = "expired"
        CANCELLING = "cancelling"
        CANCELLED = "cancelled"

    OPEN = (Status.VALIDATING, Status.IN_PROGRESS, Status.CANCELLING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    endpoint = models.CharField(max_length=40)
    input = models.UUIDField(help_text="The uploaded file, which may be deleted once the lines are read.")
    metadata = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.VALIDATING)
    moments = models.JSONField(default=dict)
    error = models.JSONField(null=True, help_text="Why it failed: code, message and line.")
    n_lines = models.PositiveIntegerField(default=0)
    n_done = models.PositiveIntegerField(default=0)
    n_failed = models.PositiveIntegerField(default=0)
    output = models.ForeignKey(ConversationFile, on_delete=models.SET_NULL, null=True, related_name="+")
    errors = models.ForeignKey(ConversationFile, on_delete=models.SET_NULL, null=True, related_name="+")
    outputs_last_s = models.PositiveIntegerField(null=True, help_text="How long its files are kept; null: for good.")
    served = models.DateTimeField(default=timezone.now, help_text="When a line of it was last taken.")
    resumes = models.DateTimeField(null=True)
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField()

    class Meta:
        ordering = ["created", "id"]
        indexes = [models.Index(fields=["owner", "created"], name="batch_of_owner")]

    def __str__(self) -> str:
        return f"{self.status} batch {self.id}"


class BatchLine(models.Model):
    """A request of a batch. Its id is the key by which a repetition gets the same run (web/api/repeats.py).

    A worker claims it until `claimed_until`. `result` is its line in the output, or in the file of errors.
    """

    class Status(models.TextChoices):
        """What became of it."""

        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    custom_id = models.CharField(max_length=512, blank=True)
    body = models.JSONField(null=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    claimed_until = models.DateTimeField(null=True)
    n_attempts = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["batch", "status", "number"], name="batch_line_next")]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="batch_line_once")]

    def __str__(self) -> str:
        return f"line {self.number} of {self.batch_id}"
