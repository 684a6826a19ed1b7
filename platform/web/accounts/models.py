"""Users, their API keys, the programs that they let act for them, and one-time sign-in links."""

import hashlib
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models

KEY_PREFIX = "gh_"
LINK_LIFETIME = timedelta(hours=24)


def digest(secret: str) -> str:
    """The SHA-256 hex digest that is stored of a 256-bit random secret; such secrets need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


class UserManager(BaseUserManager["User"]):
    """Creates users by email address; there are no user names."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A saved user. Without `password` they sign in by link only."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An operator, for Django's own `createsuperuser`."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person. `is_staff` makes them an admin of the site."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=60, blank=True, help_text="Shown as the creator of your GPTs.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """The name they chose, else the part of their email address before the @."""
        return self.name or self.email.split("@")[0]

    def set_password(self, raw_password: str | None) -> None:
        """Set the password, which ends sign-in links and connected programs; saving the user ends other sessions."""
        super().set_password(raw_password)
        if self.pk:
            self.sign_in_links.all().delete()
            self.grants.all().delete()

    def get_full_name(self) -> str:
        return self.shown_name

    get_short_name = get_full_name


class ApiKey(models.Model):
    """An API key, with which a program acts as its owner. Only a hash is stored; the key itself is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=12)
    hash = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)
    may_approve = models.BooleanField(
        default=False, help_text="Whether programs with it may approve calls for their owner."
    )

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Program(models.Model):
    """A program that can ask people for access: one that registered itself, or whose id is the URL of its metadata.

    `metadata` is what it says of itself (RFC 7591); nobody has checked it. `read` is when it was last said.
    """

    id = models.CharField(primary_key=True, max_length=255)
    metadata = models.JSONField()
    read = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["read"])]  # the programs that nobody uses, oldest first

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What it calls itself."""
        return str(self.metadata.get("client_name") or "") or "Unnamed program"


class Grant(models.Model):
    """A person lets a program act for them at `resource`. Deleting it ends its tokens."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="grants")
    resource = models.CharField(max_length=255)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return f"{self.program} for {self.user}"


class GrantToken(models.Model):
    """A secret of a grant, of which only a hash is stored. Codes and refresh tokens are `used` once.

    `request` is what the token request for a code must match: its redirect URI and code challenge.
    """

    class Kind(models.TextChoices):
        """What it is for."""

        CODE = "code"
        ACCESS = "access"
        REFRESH = "refresh"

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="tokens")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    hash = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True, blank=True)
    request = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["expires"])]  # what can be forgotten

    def __str__(self) -> str:
        return f"{self.kind} token of {self.grant}"


class SignInLink(models.Model):
    """A link that signs its user in once, before it expires."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    hash = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"link for {self.user}"


class QuotaLimit(models.Model):
    """A limit that an operator set for a person, or for everyone if `user` is empty. `most` is empty for no limit."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="quota_limits")
    kind = models.CharField(max_length=12)
    most = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="quota_once_per_person"),
            models.UniqueConstraint(fields=["kind"], condition=models.Q(user=None), name="quota_once_for_everyone"),
        ]

    def __str__(self) -> str:
        return f"{self.user or 'everyone'}: {self.kind} {'unlimited' if self.most is None else self.most}"


class DailyUse(models.Model):
    """How much of one kind a person used on a day. Written by `accounts/quotas.py` only."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="daily_use")
    day = models.DateField()
    kind = models.CharField(max_length=12)
    n = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "day", "kind"], name="use_once_per_day")]

    def __str__(self) -> str:
        return f"{self.user}, {self.day}: {self.n} {self.kind}"
