"""Forms about accounts."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from allauth.core import context
from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from web.accounts import invitations
from web.accounts.models import DEFAULT_SCOPES, ApiKey, Scope, User
from web.accounts.services import forget_proof, rename

# Lifetimes of a key, in days; 0: it never expires.
LIFETIMES = (
    (30, gettext_lazy("30 days")),
    (90, gettext_lazy("90 days")),
    (365, gettext_lazy("One year")),
    (0, gettext_lazy("Never")),
)


class SignupForm(forms.Form):
    """The sign-up form's field besides email address and password."""

    name = forms.CharField(
        max_length=60,
        required=False,
        label=gettext_lazy("Your name"),
        help_text=gettext_lazy("Shown on your GPTs, and to creators whom you send a question."),
    )
    field_order = ("name", "email", "password1")

    def clean(self) -> dict[str, Any]:
        """The fields; allauth's own follow. Refuses addresses that may not have an account."""
        cleaned = super().clean() or {}
        email = cleaned.get("email")
        if email and not invitations.may_have_account(context.request, email):
            is_closed = invitations.has_allowed_domain(email)
            self.add_error("email", gettext("Sign-up is closed") if is_closed else invitations.wrong_domain())
        return cleaned

    def signup(self, request: Any, user: User) -> None:
        """Save the name; allauth calls this once the user is saved."""
        rename(user, self.cleaned_data["name"])


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """What people can change about their account. The address only without mail, which would confirm the new one."""

    class Meta:
        model = User
        fields = ("name", "email")
        error_messages: ClassVar = {"email": {"unique": gettext_lazy("Another account has this email address.")}}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"].required = False
        if settings.EMAIL_HOST:
            del self.fields["email"]

    def clean_email(self) -> str:
        """The address in lower case, as it is looked up; the old one if none was sent."""
        email: str = self.cleaned_data["email"].lower() or self.initial["email"]
        if email != self.initial["email"]:
            invitations.check_change(email)
        return email

    def save(self, commit: bool = True) -> User:
        """The saved user. Nobody has confirmed a new address."""
        if "email" in self.changed_data:
            forget_proof(self.instance)
        return super().save(commit)


class KeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(max_length=ApiKey._meta.get_field("name").max_length)
    days = forms.TypedChoiceField(choices=LIFETIMES, coerce=int, initial=90)
    scopes = forms.MultipleChoiceField(choices=Scope.choices, initial=[str(scope) for scope in DEFAULT_SCOPES])

    def expires(self) -> datetime | None:
        """When the key stops working; None for never."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
