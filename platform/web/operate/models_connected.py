"""Models at servers that operators connected on the models page."""

import logging
from typing import ClassVar, Final

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy
from pydantic import SecretStr

from gpts.egress.urls import target_of
from web.engines import DEFAULT, NamedEngine
from web.secrets import SecretLost, seal, unseal

logger = logging.getLogger(__name__)
# The fields of NamedEngine that rows have under the same names.
OF_BOTH: Final = NamedEngine.model_fields.keys() - {"key", "key_env", "measured", "groups"}


class ConnectedModel(models.Model):
    """A model at a server; `web.engines.NamedEngine` says what the fields mean. `key` is sealed for its server."""

    class Allowed(models.TextChoices):
        EVERYONE = "everyone", gettext_lazy("Everyone")
        GROUPS = "groups", gettext_lazy("People in some groups")
        OPERATORS = "operators", gettext_lazy("Only admins")

    class Check(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"

    name = models.CharField(max_length=40, primary_key=True)
    title = models.CharField(max_length=60, unique=True)
    url = models.CharField(max_length=500)
    model = models.CharField(max_length=200)
    key = models.TextField(blank=True)
    fallback = models.CharField(max_length=40, default=DEFAULT)
    allowed = models.CharField(max_length=10, choices=Allowed.choices, default=Allowed.EVERYONE)
    groups = models.ManyToManyField("auth.Group", blank=True, related_name="+")
    context_tokens = models.PositiveIntegerField(default=0)
    ability = models.JSONField(default=dict, blank=True)
    reads_tokens = models.PositiveIntegerField(null=True, blank=True)
    input_price = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)])
    output_price = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)])
    # What was measured of it; whether a check waits or runs, since when, and why the last one failed.
    record = models.ForeignKey("operate.MeasuredModel", models.SET_NULL, null=True, editable=False, related_name="+")
    check_state = models.CharField(max_length=7, blank=True, choices=Check, editable=False)
    check_since = models.DateTimeField(null=True, editable=False)
    check_trouble = models.CharField(max_length=300, blank=True, editable=False)
    # Whether it answers for GPTs that name no model.
    is_picked = models.BooleanField(default=False, editable=False)
    # Whether its server answered a worker last; None: nobody asked yet.
    is_ready = models.BooleanField(null=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["title"]

    def __str__(self) -> str:
        return self.title

    def entry(self) -> NamedEngine:
        """What runs and pages take it for. A key that can't be decrypted is left out, which its server reports."""
        fields = {field: getattr(self, field) for field in OF_BOTH}
        measured = self.record.known() if self.record else {}
        is_theirs = self.allowed == self.Allowed.GROUPS and not self._state.adding
        fields["groups"] = tuple(group.name for group in self.groups.all()) if is_theirs else ()
        return NamedEngine.model_validate({**fields, "measured": measured, "key": SecretStr(self._key())})

    def _key(self) -> str:
        try:
            return open_key(self.key, self.url)
        except SecretLost:
            logger.error("the key of the model %s can't be decrypted: enter it again on the models page", self.name)
            return ""


def seal_key(key: str, url: str) -> str:
    """The key for the server at `url`, encrypted: it opens for this scheme, host and port only."""
    return seal(key, _server(url)) if key else ""


def open_key(sealed: str, url: str) -> str:
    """The key that was sealed for the server at `url`. Raises SecretLost if it is another's."""
    return unseal(sealed, _server(url)) if sealed else ""


def _server(url: str) -> str:
    scheme, host, port = target_of(url).origin
    return f"model server:{scheme}:{host}:{port}"
