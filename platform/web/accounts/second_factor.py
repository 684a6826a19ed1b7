"""Second factors at sign-in: authenticator apps, passkeys and recovery codes, by allauth, with what it leaves open.

A code of an app works once for all processes of the site, secrets are encrypted in the database, and operators may
require a second factor (`SECOND_FACTOR`). API keys need none: they are made in a session, which did.
"""

import re
import time
from collections.abc import Callable
from typing import Any, Final

from allauth.account.adapter import get_adapter as account_adapter
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy

from web.accounts import audit
from web.accounts.models import User
from web.secrets import seal, unseal

_SEALED_FOR: Final = "second factor"  # allauth names no row when it encrypts
# Seconds for which a code of an app is valid: its own period, and those before and after.
_VALID_S: Final = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
# What somebody without the required factor still reaches: what it takes to set one up, and to leave.
_OPEN: Final = re.compile(r"/(account/(2fa|reauthenticate|logout|password|email|confirm-email|login)/|language$)")
_PROGRAMS: Final = re.compile(r"/(api|v1|a2a|mcp)\b")


class Adapter(DefaultMFAAdapter):
    """Encrypts what codes are made of, and names passkeys."""

    def encrypt(self, text: str) -> str:
        """The text sealed with the site's keys."""
        return seal(text, _SEALED_FOR)

    def decrypt(self, encrypted_text: str) -> str:
        """The text that was sealed. Raises SecretLost."""
        return unseal(encrypted_text, _SEALED_FOR)

    def generate_authenticator_name(self, user: Any, type: Any) -> str:  # allauth calls it by these names
        """The name that the form proposes."""
        n = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Passkey {number}").format(number=n + 1)


def use_once(authenticator: Authenticator, code: str) -> None:
    """Take note that the app's `code` was used. Raises ValidationError if it was before, in any process."""
    now, code = time.time(), normalize_user_code(code)
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        used = {each: at for each, at in row.data.get("used", {}).items() if now - at < _VALID_S}
        if code in used:
            raise account_adapter().validation_error("incorrect_code")
        row.data["used"] = {**used, code: now}
        row.save(update_fields=["data"])


class _Once:
    """For allauth's forms, whose own note of used codes is one process's and half a minute's."""

    cleaned_data: dict[str, Any]
    authenticator: Authenticator

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP:
            use_once(self.authenticator, code)
        return code


class CodeForm(_Once, AuthenticateForm):
    """The second step of a sign-in."""


class ConfirmingCodeForm(_Once, ReauthenticateForm):
    """A code before something dangerous."""


class PasskeyForm(AddWebAuthnForm):
    """A new passkey, or a security key that only follows the password."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    passwordless = forms.BooleanField(
        label=gettext_lazy("Sign in with it alone"),
        help_text=gettext_lazy(
            "Without your password. The device then asks for a PIN, fingerprint or face; older security keys can’t."
        ),
        required=False,
        initial=True,
    )


def is_required_of(user: User) -> bool:
    """Whether this site wants `user` to have a second factor."""
    return settings.SECOND_FACTOR == "everyone" or (settings.SECOND_FACTOR == "admins" and user.moderates)


def has_one(user: User) -> bool:
    """Whether `user` has an app or a passkey. Recovery codes alone are none."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return Authenticator.objects.filter(user=user, type__in=kinds).exists()


def remove_all(user: User) -> None:
    """Remove the person's second factors, for an operator who knows that they lost them."""
    if n := Authenticator.objects.filter(user=user).delete()[0]:
        audit.record(audit.Act.SECOND_FACTOR_REMOVED, None, user, n=n)


class Required:
    """After authentication: whoever lacks the second factor that they must have can only set one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response, or where to set up a second factor; their session counts for nothing under the APIs."""
        user = request.user
        if settings.SECOND_FACTOR == "optional" or not isinstance(user, User):
            return self._get_response(request)
        if _OPEN.match(request.path_info) or not is_required_of(user) or has_one(user):
            return self._get_response(request)
        if not _PROGRAMS.match(request.path_info):
            return redirect("mfa_index")
        request.user = AnonymousUser()
        return self._get_response(request)
