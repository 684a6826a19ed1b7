"""External services of a GPT: actions, MCP servers and remote agents, with their secrets and people's sign-ins."""

import json
import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext, gettext_lazy

from gpts.spec.actions import NAME_CHARS, ActionSpec, McpServer, call_of, host_of
from gpts.spec.gpt import WHEN_CHARS, RemoteAgent
from web.accounts.models import User
from web.egress import why_refused
from web.secrets import seal, unseal


class Auth(models.TextChoices):
    """How calls authenticate."""

    NONE = "none", gettext_lazy("None")
    BEARER = "bearer", gettext_lazy("API key (Bearer)")
    BASIC = "basic", gettext_lazy("Username and password (Basic)")
    HEADER = "header", gettext_lazy("API key (custom header)")
    OAUTH = "oauth", gettext_lazy("OAuth 2 (each person signs in)")


class Outside(models.Model):
    """An external service that a GPT can call. `secret` is encrypted and only sent to `secret_host`.

    `secret_by` entered it, for the `calls` that they saw: those in `secret_for`, None for all to that host. So nobody
    else who edits the GPT can send it to another place of the same host.
    `oauth` holds client_id, authorize_url, token_url, revoke_url, scope and token_auth ("post" or "basic").
    """

    # The field with the URL that calls go to.
    url_field: ClassVar = "url"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=NAME_CHARS)
    auth = models.CharField(max_length=8, choices=Auth.choices, default=Auth.NONE)
    header = models.CharField(max_length=80, blank=True)
    oauth = models.JSONField(default=dict, blank=True)
    secret = models.TextField(blank=True)
    secret_host = models.CharField(max_length=300, blank=True)
    secret_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    secret_for = models.JSONField(null=True, blank=True)
    privacy_url = models.URLField(max_length=500, blank=True, help_text="The service's privacy policy.")
    created = models.DateTimeField(auto_now_add=True)
    removed = models.DateTimeField(null=True, blank=True, help_text="When it left the draft; versions keep it.")

    class Meta:
        abstract = True
        ordering = ["created", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        """The host that calls go to; empty for a local program."""
        return host_of(getattr(self, self.url_field))

    @property
    def warning(self) -> str:
        """Why calls can't reach it as the site is set up, or that they aren't encrypted, as a sentence; or empty."""
        url = getattr(self, self.url_field)
        if not url or (reason := why_refused(url)):
            return reason if url else ""
        if url.lower().startswith("http://"):
            return gettext("Calls to {host} aren’t encrypted. Use https:// if it can.").format(host=self.host)
        return ""

    @property
    def _bound_to(self) -> str:
        return f"{type(self).__name__.lower()}:{self.id}:{self.gpt.owner_id}"

    @property
    def calls(self) -> list[str] | None:
        """What it can be called for, where creators choose that; else None."""
        return None

    def keep_secret(self, text: str, *, by: User | None) -> None:
        """Encrypt `text`, which `by` entered, for this row as it is; empty deletes it. Does not save."""
        self.secret = seal(text, self._bound_to) if text else ""
        self.secret_host = self.host if text else ""
        self.secret_by = by if text else None
        self.secret_for = self.calls if text else None

    def open_secret(self) -> str:
        """The secret, or empty. Raises SecretLost."""
        return unseal(self.secret, self._bound_to) if self.secret else ""


class Action(Outside):
    """An OpenAPI document and those of its operations that the GPT can call."""

    url_field = "base_url"

    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="actions")
    document = models.TextField(blank=True)
    document_url = models.CharField(max_length=2_000, blank=True)
    base_url = models.CharField(max_length=500)
    listed = models.JSONField(default=list, blank=True, help_text="Every operation in the document.")
    operations = models.JSONField(default=list, blank=True, help_text="The operations that the GPT can call.")
    warnings = models.JSONField(default=list, blank=True)

    @property
    def calls(self) -> list[str]:
        """The method and URL of every operation in its document."""
        return sorted({self.call(each) for each in (*self.listed, *self.operations)})

    def call(self, operation: dict[str, Any]) -> str:
        """The method and URL of an operation, as a key is kept for it."""
        return call_of(operation["method"], self.base_url, operation["path"])

    @property
    def keyless(self) -> list[str]:
        """The operations that it can call, but whoever entered its key has not seen."""
        if not self.secret or self.secret_for is None or self.auth == Auth.OAUTH:
            return []
        return [each["name"] for each in self.operations if self.call(each) not in self.secret_for]

    def spec(self) -> ActionSpec:
        """The action in a version, which has only some of the columns, and no secret."""
        return ActionSpec.model_validate(vars(self) | {"action_id": str(self.id)})


class McpServerRow(Outside):
    """An MCP server whose tools the GPT can call."""

    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="mcp_servers")
    url = models.CharField(max_length=2_000, blank=True)
    command = models.JSONField(default=list, blank=True)
    trusted = models.BooleanField(default=False, help_text="Skip confirmation for tools the server marks read-only.")
    tools = models.JSONField(default=list, blank=True, help_text="As the creator last saw them.")
    offered = models.JSONField(null=True, blank=True, help_text="Its tools now, until the creator looks at them.")

    def spec(self) -> McpServer:
        """The server in a version, which has only some of the columns, and no secret."""
        return McpServer.model_validate(vars(self) | {"server_id": str(self.id)})


class RemoteAgentRow(Outside):
    """A remote A2A agent that the GPT can call; its name and description are from its Agent Card."""

    gpt = models.ForeignKey("builder.Gpt", on_delete=models.CASCADE, related_name="remote_agents")
    card_url = models.CharField(max_length=2_000)
    url = models.CharField(max_length=2_000, help_text="The URL for calls, from the card.")
    description = models.TextField(blank=True)
    examples = models.JSONField(default=list, blank=True)
    when = models.CharField(max_length=WHEN_CHARS, blank=True, help_text="When to ask it.")
    timeout_s = models.PositiveIntegerField(default=120)
    read_only = models.BooleanField(
        default=False, help_text="No task changes anything there: calls skip confirmation."
    )
    offered = models.JSONField(null=True, blank=True, help_text="Its card now, until the creator looks at it.")

    def spec(self) -> RemoteAgent:
        """The agent in a version, which has only some of the columns, and no secret."""
        return RemoteAgent.model_validate(vars(self) | {"agent_id": str(self.id)})


class SignIn(models.Model):
    """A person's tokens for an action, sent only to `host` and only in that person's own runs.

    `sealed` holds access_token, refresh_token and expires_at (seconds since 1970, None: unknown); `pending` the code
    of a sign-in that a worker is about to exchange.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="sign_ins")
    host = models.CharField(max_length=300, blank=True)
    sealed = models.TextField(blank=True)
    pending = models.TextField(blank=True)
    refreshing_until = models.DateTimeField(null=True, blank=True, help_text="Until when a worker has claimed it.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "action"], name="sign_in_once")]

    def __str__(self) -> str:
        return f"{self.user} at {self.host}"

    @property
    def _bound_to(self) -> str:
        return f"sign-in:{self.action_id}:{self.user_id}"

    def seal(self, values: dict[str, Any]) -> str:
        """`values` encrypted for this person and action."""
        return seal(json.dumps(values), self._bound_to)

    def unseal(self, sealed: str) -> dict[str, Any]:
        """The values in `sealed`. Raises SecretLost."""
        return json.loads(unseal(sealed, self._bound_to)) if sealed else {}
