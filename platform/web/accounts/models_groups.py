"""Which memberships of groups a source outside gave, so that it can end them, and only them."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models


class GivenGroup(models.Model):
    """A membership that the provider of a sign-in gave. `source` is its name, such as “oidc:school”."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="given_groups")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=40)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "group", "source"], name="group_given_once_per_source")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}, by {self.source}"
