"""Widgets: a GPT's chat on other sites, and the people who use it there without an account."""

import secrets
import uuid
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, gettext_lazy

from gpts.spec.embedding import MAX_ORIGINS, InvalidOrigin, checked_origin
from web.accounts.models import User

MAX_A_DAY = 1_000_000


def new_key() -> str:
    """A key that names a widget in its address. It is public."""
    return secrets.token_urlsafe(12)


def validate_origins(origins: Any) -> None:
    """Raises ValidationError unless `origins` is a list of a few origins, each once."""
    if not isinstance(origins, list) or len(origins) > MAX_ORIGINS:
        raise ValidationError(gettext("Sites must be a list of at most {limit}.").format(limit=MAX_ORIGINS))
    try:
        checked = [checked_origin(origin) for origin in origins]
    except InvalidOrigin as error:
        raise ValidationError(str(error)) from error
    if len(set(checked)) != len(origins):
        raise ValidationError(gettext("Each site can be listed only once."))


class Widget(models.Model):
    """The chat of a published GPT on other sites, and on a page of its own.

    `origins` are the sites whose pages may show it. `secret` is sealed: with it another site says who its visitors
    are. `day` and `n_today` count messages of all visitors; only `builder/widgets.py` writes them.
    """

    class Side(models.TextChoices):
        """Where its button stands on a page."""

        RIGHT = "right", gettext_lazy("Right")
        LEFT = "left", gettext_lazy("Left")

    class Theme(models.TextChoices):
        """Its colours."""

        AUTO = "auto", gettext_lazy("As the visitor’s device")
        LIGHT = "light", gettext_lazy("Light")
        DARK = "dark", gettext_lazy("Dark")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gpt = models.OneToOneField("builder.Gpt", on_delete=models.CASCADE, related_name="widget")
    key = models.CharField(max_length=22, unique=True, default=new_key)
    is_on = models.BooleanField(default=False)
    origins = models.JSONField(default=list, blank=True, validators=[validate_origins])
    only_signed = models.BooleanField(default=False, help_text="Only visitors whom the other site names may chat.")
    secret = models.TextField(blank=True)
    label = models.CharField(max_length=40, default="Ask us")
    colour = models.CharField(
        max_length=7,
        default="#1d5c4a",
        validators=[RegexValidator("^#[0-9a-f]{6}$", gettext_lazy("A colour, such as #1d5c4a."))],
    )
    side = models.CharField(max_length=5, choices=Side.choices, default=Side.RIGHT)
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    messages_a_day = models.PositiveIntegerField(
        default=500, validators=[MinValueValidator(1), MaxValueValidator(MAX_A_DAY)]
    )
    messages_a_visitor = models.PositiveIntegerField(
        default=50, validators=[MinValueValidator(1), MaxValueValidator(MAX_A_DAY)]
    )
    day = models.DateField(null=True, blank=True)
    n_today = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"widget of {self.gpt}"


class WidgetVisitor(models.Model):
    """A person who uses a widget, with a user of their own that can do nothing else.

    `subject` is what the other site calls them; empty for those who are anonymous.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    widget = models.ForeignKey(Widget, on_delete=models.CASCADE, related_name="visitors")
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="widget_visitor")
    subject = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["widget", "subject"], condition=~Q(subject=""), name="visitor_named_once")
        ]
        indexes: ClassVar = [models.Index(fields=["created"])]  # those to be forgotten

    def __str__(self) -> str:
        return f"visitor of {self.widget}"
