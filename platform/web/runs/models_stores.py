"""The tables of vector stores of a person's own, which programs fill and search. No GPT has them."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from web.accounts.models import User
from web.builder.models_files import FileToRead


class VectorStore(models.Model):
    """A set of a person's uploads that can be searched. With `lasts_days`, it expires so long after its last use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="vector_stores")
    name = models.CharField(max_length=256, blank=True)
    description = models.CharField(max_length=512, blank=True)
    metadata = models.JSONField(default=dict)
    lasts_days = models.PositiveIntegerField(null=True, blank=True)
    last_active = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created", "id"]

    def __str__(self) -> str:
        return self.name or f"vector store {self.id}"

    def was_used(self) -> None:
        """Let it expire later; an expired one stays expired."""
        if not self.is_expired:
            self.last_active = timezone.now()
            self.expires = self.last_active + timedelta(days=self.lasts_days) if self.lasts_days else None
            self.save(update_fields=["last_active", "expires", "lasts_days"])

    @property
    def is_expired(self) -> bool:
        """Whether its files were forgotten, or soon are."""
        return self.expires is not None and self.expires < timezone.now()


class StoreFile(FileToRead):
    """An upload in a vector store, which goes with the upload. What screening finds in it is left out.

    `attributes` are the program's own, by which a search may choose.
    """

    store = models.ForeignKey(VectorStore, on_delete=models.CASCADE, related_name="files")
    upload = models.ForeignKey("ConversationFile", on_delete=models.CASCADE, related_name="+")
    attributes = models.JSONField(default=dict)

    class Meta(FileToRead.Meta):
        indexes = [
            models.Index(fields=["status", "claimed_until"], name="store_file_to_read"),
            models.Index(fields=["sha256"], name="store_file_known_here"),
        ]
        constraints = [models.UniqueConstraint(fields=["store", "upload"], name="upload_once_per_store")]

    @property
    def owner_id(self) -> Any:
        """The id of the person whose file it is."""
        return self.store.owner_id

    @property
    def mime(self) -> str:
        """The type of the upload."""
        return self.upload.mime


def forget_expired_stores() -> int:
    """Delete the files of expired stores from them; how many."""
    return StoreFile.objects.filter(store__expires__lt=timezone.now()).delete()[0]
