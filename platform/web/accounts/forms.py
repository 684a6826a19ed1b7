"""Forms about accounts."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from web.accounts.models import ApiKey, User

# Lifetimes of a key, in days; 0: it never expires.
LIFETIMES = ((30, "30 days"), (90, "90 days"), (365, "One year"), (0, "Never"))


class SignupForm(forms.Form):
    """The sign-up form's field besides email address and password."""

    name = forms.CharField(
        max_length=60,
        required=False,
        label="Your name",
        help_text="Shown on your GPTs, and to creators whom you send a question.",
    )
    field_order = ("name", "email", "password1")

    def signup(self, request: Any, user: User) -> None:
        """Save the name; allauth calls this once the user is saved."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """What people can change about their account."""

    class Meta:
        model = User
        fields = ("name",)


class KeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(max_length=ApiKey._meta.get_field("name").max_length)
    days = forms.TypedChoiceField(choices=LIFETIMES, coerce=int, initial=90)

    def expires(self) -> datetime | None:
        """When the key stops working; None for never."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
