"""Users, their API keys, the programs that they let act for them, and one-time sign-in links."""

import hashlib
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.contrib.auth.models import AbstractUser, BaseUserManager, Group
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy

from gpts.safety.invisible_characters import visible
from web.accounts.models_audit import AuditRow  # noqa: F401 - for Django
from web.accounts.models_directory import DirectoryEntry  # noqa: F401 - for Django
from web.accounts.models_groups import GivenGroup  # noqa: F401 - for Django
from web.accounts.models_invitations import Invitation  # noqa: F401 - for Django
from web.accounts.models_live import LiveSetting  # noqa: F401 - for Django
from web.accounts.models_outbox import Delivery, Webhook  # noqa: F401 - for Django
from web.accounts.models_sign_in import SignInProvider  # noqa: F401 - for Django
from web.accounts.user_names import LOCAL, name_of

KEY_PREFIX = "gh_"
LINK_LIFETIME = timedelta(hours=24)


def digest(secret: str) -> str:
    """The SHA-256 hex digest that is stored of a 256-bit random secret; such secrets need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


class UserManager(BaseUserManager["User"]):
    """Creates users by email address."""

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
    """A person. `is_staff` makes them an admin of the site; operate/access.py says what moderators open."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=60, blank=True, help_text="Shown as the creator of your GPTs.")
    is_moderator = models.BooleanField(
        "Moderator", default=False, help_text="Decides reports and store listings, and hides reviews."
    )
    hints_seen = models.JSONField(default=list, blank=True, help_text="Names of the hints that they dismissed.")
    language = models.CharField(max_length=10, blank=True, help_text="Of pages; empty: the browser’s.")
    notifications_off = models.JSONField(default=list, blank=True, help_text="Kinds of email that they don’t want.")
    sign_outs = models.PositiveIntegerField(default=0, help_text="How often all their sessions were ended.")
    erased = models.DateTimeField(null=True, blank=True, editable=False, help_text="When the account was closed.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name, verbose_name_plural = "person", "people"

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """The name they chose, else the part of their email address before the @."""
        return visible(self.name) or self.email.split("@")[0]

    @property
    def sign_in_name(self) -> str:
        """What they sign in with: their email address, or the user name of somebody who has none."""
        return name_of(self.email)

    @property
    def moderates(self) -> bool:
        """Whether they decide reports and listings: moderators and admins."""
        return self.is_staff or self.is_moderator

    @property
    def has_mail(self) -> bool:
        """Whether email reaches them."""
        return not self.email.endswith(LOCAL)

    def set_password(self, raw_password: str | None) -> None:
        """Set the password, which ends sign-in links and connected programs; saving the user ends other sessions."""
        super().set_password(raw_password)
        if self.pk:
            self.sign_in_links.all().delete()
            self.grants.all().delete()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What each session holds of its user: with the password, or with `sign_outs`, it changes, and they end."""
        of_password: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        if not self.sign_outs:  # as before there was such a field, so that an update ends no session
            return of_password
        return salted_hmac("web.accounts.sign_outs", f"{of_password}{self.sign_outs}", algorithm="sha256").hexdigest()

    def get_full_name(self) -> str:
        return self.shown_name

    get_short_name = get_full_name


class Scope(models.TextChoices):
    """What an API key can be for; `web/scopes.py` says what each opens."""

    CHAT = "chat", gettext_lazy("Chat")
    READ = "read", gettext_lazy("Read")
    MANAGE = "manage", gettext_lazy("Manage")
    APPROVE = "approve", gettext_lazy("Can approve actions")


# Of a key that says nothing else. Approving is asked for: an agent with it would approve its own calls.
DEFAULT_SCOPES: Final = (Scope.CHAT, Scope.READ, Scope.MANAGE)


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
    scopes = models.JSONField(default=list, help_text="What programs with it may do: some of Scope.")

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def may_approve(self) -> bool:
        """Whether programs with it may approve calls for their owner."""
        return Scope.APPROVE in self.scopes

    @property
    def scope_names(self) -> list[str]:
        """What it may do, for people."""
        return [str(scope.label) for scope in Scope if scope in self.scopes]


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
    """A limit that an operator set: for a person, a group, or without either for everyone. Empty `most`: no limit."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="quota_limits")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, blank=True, related_name="quota_limits")
    kind = models.CharField(max_length=20)
    most = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: no limit.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="quota_once_per_person"),
            models.UniqueConstraint(fields=["group", "kind"], name="quota_once_per_group"),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(user=None, group=None), name="quota_once_for_everyone"
            ),
            models.CheckConstraint(
                condition=models.Q(user=None) | models.Q(group=None), name="quota_of_person_or_group"
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.user or self.group or 'everyone'}: {self.kind} {'unlimited' if self.most is None else self.most}"
        )


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
