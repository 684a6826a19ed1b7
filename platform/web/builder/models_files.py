"""The files of a GPT's knowledge, and what they share with every other file that workers read."""

import uuid
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from gpts.knowledge.corrections import Correction
from gpts.knowledge.documents import Finding
from gpts.safety.findings import undecided
from gpts.spec.gpt import KnowledgeRef
from web.builder.models_sources import Source


def content_path(sha256: str = "") -> Path:
    """Where the file store keeps the bytes with this SHA-256; without one, the folder of all."""
    return Path(settings.GUILDHALL_HOME) / "files" / sha256


class FileToRead(models.Model):
    """A stored file whose text an indexing worker turns into a segment. Its bytes are in the file store by `sha256`.

    `notices` are those of `gpts.knowledge.documents` as JSON. The fields about the text (`n_pages` …) are empty until
    it was read.
    """

    class Status(models.TextChoices):
        """The progress of indexing."""

        RECEIVED = "received", gettext_lazy("Waiting")
        PARSING = "parsing", gettext_lazy("Reading")
        EMBEDDING = "embedding", gettext_lazy("Embedding")
        READY = "ready", gettext_lazy("Ready")
        QUARANTINED = "quarantined", gettext_lazy("Needs your review")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    # There is nothing for a worker to do.
    SETTLED: ClassVar = (Status.READY, Status.QUARANTINED, Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.RECEIVED)
    n_read = models.PositiveIntegerField(default=0, help_text="Pages read so far.")
    n_done = models.PositiveIntegerField(default=0, help_text="Chunks embedded so far.")
    n_chunks = models.PositiveIntegerField(default=0)
    n_pages = models.PositiveIntegerField(default=0, help_text="0 if the format has no pages.")
    n_tokens = models.PositiveIntegerField(default=0)
    unit = models.CharField(max_length=10, default="page", help_text="What counts as a page.")
    language = models.CharField(max_length=8, blank=True, help_text="ISO 639-1; empty if unknown.")
    notices = models.JSONField(default=list, blank=True)
    segment = models.CharField(max_length=80, blank=True)
    error = models.CharField(max_length=300, blank=True)
    started = models.DateTimeField(null=True, blank=True, help_text="When the current status began.")
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="Until when a worker has claimed it.")
    woken = models.DateTimeField(default=timezone.now, help_text="When indexing was last requested.")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[Any]]

    class Meta:
        abstract = True
        ordering = ["created", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """The path of the uploaded bytes."""
        return content_path(self.sha256)

    @property
    def seconds_left(self) -> int | None:
        """How long the current stage will take at the rate so far; None if unknown."""
        embedding = self.status == self.Status.EMBEDDING
        done, total = (self.n_done, self.n_chunks) if embedding else (self.n_read, self.n_pages)
        if self.started is None or self.status not in (self.Status.PARSING, self.Status.EMBEDDING):
            return None
        if not 0 < done <= total:
            return None
        return round((timezone.now() - self.started).total_seconds() * (total - done) / done)


class KnowledgeFile(FileToRead):
    """A file in a GPT's knowledge, from upload to ready.

    `findings` are those of `gpts.knowledge.documents` as JSON, `decisions` the owner's choice by the finding's id.
    """

    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="files")
    replaces = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="replacements",
        help_text="The file that this one replaces once it is ready.",
    )
    findings = models.JSONField(default=list, blank=True)
    decisions = models.JSONField(default=dict, blank=True)
    corrections = models.JSONField(default=dict, blank=True, help_text="Of passages, by the key of their text.")
    attributes = models.JSONField(default=dict, blank=True, help_text="What programs choose by when they search.")
    removed = models.DateTimeField(null=True, blank=True, help_text="When it left the draft; versions keep it.")
    source = models.ForeignKey(Source, on_delete=models.SET_NULL, null=True, blank=True, related_name="files")
    from_source = models.BooleanField(default=False, help_text="Whether a source added it, removed or not.")

    class Meta(FileToRead.Meta):
        indexes = [
            models.Index(fields=["status", "claimed_until"], name="file_to_index"),
            models.Index(fields=["sha256", "status"], name="file_known_here"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["gpt", "sha256"], condition=Q(removed=None), name="file_once_per_gpt")
        ]

    def ref(self) -> KnowledgeRef:
        """The file as a version names it."""
        return KnowledgeRef(file_id=str(self.id), name=self.name, segment=self.segment, from_source=self.from_source)

    def passage_corrections(self) -> dict[str, Correction]:
        """The owner's corrections of passages, by key."""
        return {key: Correction.model_validate(each) for key, each in self.corrections.items()}

    @property
    def undecided(self) -> list[str]:
        """The ids of the findings that need the owner's decision; their text is left out until then."""
        return [each.id for each in undecided(map(Finding.model_validate, self.findings), self.decisions)]
