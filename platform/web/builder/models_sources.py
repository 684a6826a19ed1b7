"""Sources of knowledge that change by themselves, their documents, and what each look at them found."""

import uuid
from hashlib import sha256
from typing import ClassVar

from django.db import models
from django.db.models import Q

from gpts.spec.sources import SETTINGS, TITLES, SourceSettings, address_of, host_of
from web.accounts.models import User
from web.secrets import seal, unseal

KEY_CHARS = 1000


class Source(models.Model):
    """A source of a GPT's knowledge. `settings` are those of its kind (gpts/spec/sources.py).

    `secret` is encrypted, and belongs to the host that `settings` name; `secret_by` entered it. `next_at` is
    empty while it is paused; a worker claims it through `claimed_until`. `publishes`: changed files go live by
    themselves.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=5, choices=list(TITLES.items()))
    settings = models.JSONField()
    secret = models.TextField(blank=True)
    secret_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    hours = models.PositiveSmallIntegerField(default=24)
    publishes = models.BooleanField(default=True)
    next_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    n_failed = models.PositiveSmallIntegerField(default=0, help_text="How often in a row.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created", "id"]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=~Q(next_at=None), name="source_due"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.address}"

    def read_settings(self) -> SourceSettings:
        """The settings."""
        return SETTINGS.validate_python(self.settings)

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return address_of(self.read_settings())

    def _row(self) -> str:
        return f"source:{self.id}:{host_of(self.read_settings())}"

    def set_secret(self, secret: str, *, by: User) -> None:
        """Keep the secret, which `by` entered, for the host of the settings only."""
        self.secret = seal(secret, self._row()) if secret else ""
        self.secret_by = by if secret else None

    def get_secret(self) -> str:
        """The secret; empty if there is none. Raises SecretLost."""
        return unseal(self.secret, self._row()) if self.secret else ""


class SourceItem(models.Model):
    """A document of a source, with the file that it became. `version` is the source's own name for its content."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="items")
    key = models.CharField(max_length=KEY_CHARS)
    digest = models.CharField(max_length=64)
    version = models.CharField(max_length=300, blank=True)
    file = models.ForeignKey("builder.KnowledgeFile", on_delete=models.SET_NULL, null=True, related_name="+")
    error = models.CharField(max_length=300, blank=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["key"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "digest"], name="item_once_per_source")]

    def __str__(self) -> str:
        return self.key

    @staticmethod
    def digest_of(key: str) -> str:
        """By which an item is found: keys are too long for an index."""
        return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class SourceCheck(models.Model):
    """A look at a source, and what had changed. `changes` lists the first of them, as [what, name]."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="checks")
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True, blank=True)
    n_added = models.PositiveIntegerField(default=0)
    n_changed = models.PositiveIntegerField(default=0)
    n_removed = models.PositiveIntegerField(default=0)
    n_failed = models.PositiveIntegerField(default=0)
    n_same = models.PositiveIntegerField(default=0)
    changes = models.JSONField(default=list)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.source}, {self.created}"
