"""Widgets: what their creators set, who visits, and how many messages they may have."""

import secrets
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import jwt
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from gpts.spec.embedding import checked_origin
from web.accounts import quotas
from web.accounts.models import User
from web.accounts.quotas import QuotaExceeded
from web.builder.models import Gpt
from web.builder.models_widgets import Widget, WidgetVisitor
from web.secrets import SecretLost, seal, unseal

# How long a browser stays the same visitor, and how long after its making a token of another site may be valid.
VISITOR_S: Final = 90 * 24 * 3600
MOST_TOKEN_S: Final = 24 * 3600
SUBJECT_CHARS: Final = 200
_SALT: Final = "guildhall.widget.visitor"


class NotSigned(Exception):
    """The other site did not say who this visitor is, or not in a way that counts."""


class VisitorLimit(QuotaExceeded):
    """The widget, or this visitor, has had all messages of the day."""

    def __init__(self, kind: str, limit: int, words: str) -> None:
        super().__init__(kind, limit)
        ValidationError.__init__(self, words, code="quota")


def widget_of(gpt: Gpt) -> Widget:
    """The widget of `gpt`, which is saved once something is set."""
    return Widget.objects.filter(gpt=gpt).first() or Widget(gpt=gpt)


def change(gpt: Gpt, fields: dict[str, Any]) -> Widget:
    """The widget with `fields` changed and saved. Raises ValidationError by field."""
    widget = widget_of(gpt)
    for name, value in fields.items():
        setattr(widget, name, value)
    widget.colour = str(widget.colour).lower()
    if widget.is_on and gpt.published is None:
        raise ValidationError({"is_on": gettext("Publish the GPT first: visitors chat with its live version.")})
    widget.full_clean(exclude=["gpt"], validate_unique=False)
    widget.origins = [checked_origin(origin) for origin in widget.origins]
    if widget.only_signed and not widget.secret:
        _set_secret(widget)
    widget.save()
    return widget


def new_secret(gpt: Gpt) -> Widget:
    """The widget with a new secret; tokens made with the old one count no longer."""
    widget = widget_of(gpt)
    _set_secret(widget)
    widget.save()
    return widget


def _set_secret(widget: Widget) -> None:
    widget.secret = seal(secrets.token_urlsafe(32), _row(widget))


def secret_of(widget: Widget) -> str:
    """The secret with which the other site signs tokens; empty if there is none."""
    try:
        return unseal(widget.secret, _row(widget)) if widget.secret else ""
    except SecretLost:
        return ""


def _row(widget: Widget) -> str:
    return f"widget:{widget.id}"


def live_widget(key: str) -> Widget | None:
    """The widget with this key, if its creator offers it and its GPT is published."""
    widgets = Widget.objects.select_related("gpt__published", "gpt__owner")
    here = {"is_on": True, "gpt__deleted": None, "gpt__published__isnull": False, "gpt__owner__is_active": True}
    return widgets.filter(key=key, **here).first()


def cookie_of(visitor: WidgetVisitor) -> str:
    """What a browser keeps to be this visitor again."""
    return signing.dumps(str(visitor.id), salt=_SALT)


def visitor_by_cookie(widget: Widget, cookie: str) -> WidgetVisitor | None:
    """The visitor of this widget whose browser has the cookie."""
    try:
        visitor_id = UUID(signing.loads(cookie, salt=_SALT, max_age=VISITOR_S))
    except (signing.BadSignature, ValueError):
        return None
    return widget.visitors.select_related("user").filter(id=visitor_id, user__is_active=True).first()


def new_visitor(widget: Widget, subject: str = "") -> WidgetVisitor:
    """A visitor, with a user that has no password and no address, and so can never sign in."""
    with transaction.atomic():
        user = User.objects.create_user(f"{uuid4().hex}@visitors.invalid", name="Visitor")
        return WidgetVisitor.objects.create(widget=widget, user=user, subject=subject)


def signed_visitor(widget: Widget, token: str) -> tuple[WidgetVisitor, int]:
    """The visitor whom the other site names by a JSON Web Token, and for how many seconds. Raises NotSigned.

    HS256 with the widget's secret. `sub` says who it is, `exp` until when: at most a day from now.
    """
    secret = secret_of(widget)
    try:
        if not secret:
            raise NotSigned("This widget has no secret yet.")
        claims = jwt.decode(token, secret, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.PyJWTError as error:
        raise NotSigned(f"The token of this site does not count: {error}.") from error
    left_s = int(claims["exp"] - timezone.now().timestamp())
    subject = str(claims["sub"]).replace("\x00", "").strip()
    if not 0 < len(subject) <= SUBJECT_CHARS:
        raise NotSigned(f"The token’s `sub` must have 1 to {SUBJECT_CHARS} characters.")
    if left_s > MOST_TOKEN_S:
        raise NotSigned("The token’s `exp` must be within a day.")
    return _named(widget, subject), max(1, left_s)


def _named(widget: Widget, subject: str) -> WidgetVisitor:
    known = widget.visitors.select_related("user").filter(subject=subject)
    if visitor := known.first():
        return visitor
    try:
        return new_visitor(widget, subject)
    except IntegrityError:  # another request was first
        return known.get()


def count_message(visitor_id: int, gpt: Gpt) -> None:
    """Count a message of a visitor, in a transaction and after it was counted for the person. Raises VisitorLimit.

    Three limits: the visitor's, the widget's, and that of all widgets of the creator.
    """
    widget = gpt.widget
    if quotas.used_today(visitor_id).get("messages", 0) > widget.messages_a_visitor:
        words = gettext("You’ve sent as many messages as you may today. Try again tomorrow.")
        raise VisitorLimit("visitors", widget.messages_a_visitor, words)
    full = gettext("This chat has answered as many messages as it may today. Try again tomorrow.")
    if not _count(widget):
        raise VisitorLimit("visitors", widget.messages_a_day, full)
    try:
        quotas.take(gpt.owner_id, "visitors")
    except QuotaExceeded as error:
        raise VisitorLimit("visitors", widget.messages_a_day, full) from error


def _count(widget: Widget) -> bool:
    """Whether one more message of today was counted."""
    own, today = Widget.objects.filter(id=widget.id), timezone.localdate()
    own.exclude(day=today, day__isnull=False).update(day=today, n_today=0)
    return bool(own.filter(n_today__lt=widget.messages_a_day).update(n_today=F("n_today") + 1))


def forget_visitors() -> int:
    """Delete the visitors who have no chat any more, with their users; how many."""
    old = timezone.now() - timedelta(days=2)
    gone = User.objects.filter(widget_visitor__created__lt=old, conversations=None)
    return gone.delete()[1].get("accounts.User", 0)
