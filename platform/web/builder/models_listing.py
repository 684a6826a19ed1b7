"""Versions that an operator looks at before they appear in the store."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from web.accounts.models import User

NOTE_CHARS = 1_000


class ListingReview(models.Model):
    """A version that its creator wants in the store. At most one of a GPT is open: neither `decided` nor `withdrawn`.

    `note` is for the creator. `builder/listing.py` and `builder/stewardship.py` write it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="listing_reviews")
    version = models.ForeignKey("builder.GptVersion", on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    withdrawn = models.DateTimeField(null=True, blank=True)
    decided = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    approved = models.BooleanField(default=False)
    note = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        verbose_name, verbose_name_plural = "GPT to review", "review before listing"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["gpt"], condition=Q(decided=None, withdrawn=None), name="listing_review_open_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created", "-id"], name="listing_review_newest"),
            models.Index(fields=["created"], condition=Q(decided=None, withdrawn=None), name="listing_review_open"),
        ]

    def __str__(self) -> str:
        return f"{self.version.data['name']}, version {self.version.number}"

    @property
    def state(self) -> str:
        """waiting, approved, sent back or withdrawn."""
        if self.withdrawn:
            return "withdrawn"
        return "waiting" if self.decided is None else "approved" if self.approved else "sent back"
