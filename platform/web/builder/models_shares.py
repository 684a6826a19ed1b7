"""With which people and groups a GPT is shared.

A share with an address that nobody here has proved waits for whoever does. Its creator reads that it waits, not
whether an account with this address exists; operators know.
"""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from web.accounts.models import User
from web.accounts.user_names import name_of


class GptShareQuerySet(models.QuerySet["GptShare"]):
    """Filters by whom a share is for."""

    def of(self, user: User) -> "GptShareQuerySet":
        """The shares with `user`, with the groups that they are in, and those that waited for their address.

        Of somebody without a row: those that wait for the address.
        """
        if not user.pk:
            return self.filter(user=None, address=user.email, group=None)
        groups = User.groups.through.objects.filter(user=user.pk).values("group")
        proven = EmailAddress.objects.filter(user=user.pk, verified=True).values("email")
        return self.filter(Q(user=user.pk) | Q(group__in=groups) | Q(user=None, group=None, address__in=proven))

    def people(self) -> "models.QuerySet[User]":
        """The active people whom these shares let in now."""
        addresses = self.filter(user=None, group=None).values("address")
        proven = EmailAddress.objects.filter(verified=True, email__in=addresses).values("user")
        groups = self.exclude(group=None).values("group")
        named = Q(pk__in=self.exclude(user=None).values("user")) | Q(pk__in=proven)
        members = User.groups.through.objects.filter(group__in=groups).values("user")
        return User.objects.filter(named | Q(pk__in=members), is_active=True)


class GptShare(models.Model):
    """A person or a group may chat with a GPT's live version, with VIEW see and copy its draft, with EDIT change it.

    A person is named by the `address` that was shared with. Without a `user`, nobody had it then.
    """

    class Right(models.TextChoices):
        """What they may; the later includes the earlier."""

        CHAT = "chat", "Can chat"
        VIEW = "view", "Can chat and see its settings"
        EDIT = "edit", "Can chat, and edit it"

    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="shares")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="gpt_shares")
    address = models.EmailField(blank=True, db_index=True)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, blank=True, related_name="gpt_shares")
    right = models.CharField(max_length=4, choices=Right.choices, default=Right.CHAT)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = GptShareQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["gpt", "user"], name="gpt_share_once_per_person"),
            models.UniqueConstraint(fields=["gpt", "group"], name="gpt_share_once_per_group"),
            models.UniqueConstraint(
                fields=["gpt", "address"], condition=Q(user=None, group=None), name="gpt_share_once_per_address"
            ),
            models.CheckConstraint(
                condition=Q(user=None, address="", group__isnull=False) | (~Q(address="") & Q(group=None)),
                name="gpt_share_of_address_or_group",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gpt} with {self.who}"

    @property
    def who(self) -> str:
        """The address, the user name or the group."""
        return name_of(self.address) or str(self.group)

    @property
    def waits(self) -> bool:
        """Whether nobody has proved its address yet."""
        if self.user_id or self.group_id:
            return False
        proven = EmailAddress.objects.filter(verified=True, email=self.address, user__is_active=True)
        return not proven.exists()
