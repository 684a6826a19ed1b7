"""The table of invitations by link; `accounts/invitations.py` writes it."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models


class Invitation(models.Model):
    """A link with which up to `most` people may create an account until it expires. Only a hash of it is stored."""

    name = models.CharField(max_length=60, help_text="What it is for; only admins see it.")
    hash = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    withdrawn = models.DateTimeField(null=True, blank=True)
    most = models.PositiveIntegerField(help_text="How many people may use it.")
    n_used = models.PositiveIntegerField(default=0, editable=False)
    groups = models.ManyToManyField(Group, blank=True, help_text="Groups that they become members of.")
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, editable=False, related_name="invitations")

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(n_used__lte=models.F("most")), name="invitation_not_overused")
        ]

    def __str__(self) -> str:
        return self.name
