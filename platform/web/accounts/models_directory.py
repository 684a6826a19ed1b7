"""What directories that provision people by SCIM (`web/scim`) have here: tokens, and what they said of a row."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models


class DirectoryToken(models.Model):
    """A secret with which a directory provisions people and groups, and does nothing else. Only a hash is stored."""

    name = models.CharField(max_length=60, help_text="Which directory it is for; only admins see it.")
    prefix = models.CharField(max_length=16, editable=False)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        verbose_name = "SCIM token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class DirectoryEntry(models.Model):
    """What a directory said of a person or group, beyond what their own rows hold.

    `suspended`: it suspended the person, so that it may reactivate them. `deleted`: it deleted the person, whom it no
    longer sees.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="directory_entry")
    group = models.OneToOneField(Group, models.CASCADE, null=True, related_name="directory_entry")
    external_id = models.CharField(max_length=255, blank=True, db_index=True)
    given_name = models.CharField(max_length=100, blank=True)
    family_name = models.CharField(max_length=100, blank=True)
    suspended = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(user=None, group__isnull=False) | models.Q(user__isnull=False, group=None),
                name="directory_entry_of_person_or_group",
            )
        ]

    def __str__(self) -> str:
        return f"directory entry of {self.user or self.group}"
