"""Forms about people."""

from typing import Any

from django import forms

from web.accounts.models import User


class SignupForm(forms.Form):
    """The field that sign-up asks for besides address and password."""

    name = forms.CharField(
        max_length=60, required=False, label="Your name", help_text="Shown with the GPTs you make."
    )
    field_order = ("name", "email", "password1")

    def signup(self, request: Any, user: User) -> None:
        """Keep the name that was given; allauth calls this once the user is saved."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
