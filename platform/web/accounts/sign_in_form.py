"""The sign-in form: an email address or a user name, and the password."""

from typing import Any

from allauth.account.forms import LoginForm
from django import forms

from web.accounts.user_names import address_of


class SignInForm(LoginForm):
    """allauth's form, which would take email addresses only."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["login"] = forms.CharField(
            max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"})
        )
        self.order_fields(["login", "password"])

    def clean_login(self) -> str:
        """The address of the account."""
        return address_of(self.cleaned_data["login"])
