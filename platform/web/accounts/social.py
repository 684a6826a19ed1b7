"""Sign-in with an account of elsewhere (`web/sign_in.py`): whose account it opens, and what comes with it.

An address that a provider names proves something only if the provider says that it is verified, and an operator
trusts it with addresses of that domain. Then its person joins the account with that address, or gets one that is
theirs alone. Otherwise an address that somebody has is refused, and the rest counts as unverified.
"""

from collections.abc import Mapping
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import render

from web.accounts import invitations, memberships, sign_in_providers
from web.accounts.invitations import InvitationOver, is_of
from web.accounts.models import User
from web.accounts.services import confirm, is_confirmed
from web.sign_in import Provider, SamlProvider, allauth_apps


def provider_of(sociallogin: SocialLogin) -> Provider:
    """The provider as the operator set it up. Raises ImmediateHttpResponse if it is no longer."""
    found: Provider | None = sign_in_providers.current().providers.get(sociallogin.account.provider)
    if found is None:
        raise ImmediateHttpResponse(render(None, "socialaccount/authentication_error.html", status=404))
    return found


def claims_of(sociallogin: SocialLogin) -> dict[str, Any]:
    """What the provider says of the person: attributes, or the claims of user info before those of the ID token."""
    data: Mapping[str, Any] = sociallogin.account.extra_data or {}
    if isinstance(provider_of(sociallogin), SamlProvider):
        return dict(data)
    return {**(data.get("id_token") or {}), **(data.get("userinfo") or {})}


def email_of(sociallogin: SocialLogin) -> str:
    """The address that the provider names, in lower case; empty for none."""
    return (sociallogin.email_addresses[0].email if sociallogin.email_addresses else "").lower()


def vouches(sociallogin: SocialLogin) -> bool:
    """Whether the address is the person's, by a provider that an operator trusts with its domain."""
    provider = provider_of(sociallogin)
    # Some providers write truth values as text, and "false" is a text that counts as true. SAML knows no such claim.
    is_verified = isinstance(provider, SamlProvider) or claims_of(sociallogin).get("email_verified") in (True, "true")
    return is_verified and is_of(email_of(sociallogin), provider.trusted_domains)


class SocialAdapter(DefaultSocialAccountAdapter):
    """Joins, creates and updates accounts by these rules."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The providers of the site, of this kind or name."""
        apps = [SocialApp(**fields) for fields in allauth_apps(sign_in_providers.current())]
        named = [each for each in apps if not provider or provider in (each.provider, each.provider_id)]
        return [each for each in named if not client_id or each.client_id == client_id]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the account. Raises ImmediateHttpResponse, with a page, if its address is somebody else's."""
        vouched = vouches(sociallogin)
        for address in sociallogin.email_addresses:
            address.email, address.verified = address.email.lower(), vouched
        if sociallogin.state.get("process") == "connect":
            return  # to the account that is signed in, and that has just confirmed it
        if not sociallogin.is_existing:
            self._join(request, sociallogin, vouched)
        if sociallogin.is_existing:
            update(sociallogin)

    def _join(self, request: HttpRequest, sociallogin: SocialLogin, vouched: bool) -> None:
        email = email_of(sociallogin)
        has_address = Q(email=email) | Q(emailaddress__email=email, emailaddress__verified=True)
        existing = User.objects.filter(has_address).distinct().first() if email else None
        if existing is None:
            return
        if not vouched or existing.email != email:
            raise ImmediateHttpResponse(render(request, "socialaccount/taken.html", {"email": email}, status=403))
        with transaction.atomic():
            if not is_confirmed(existing):
                confirm(existing)  # whoever registered the address may have been a stranger
            sociallogin.connect(request, existing)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """The new user, with the provider's address and name."""
        user: User = super().populate_user(request, sociallogin, data)
        max_chars = User._meta.get_field("name").max_length
        user.name, user.email = str(data.get("name") or "")[:max_chars], user.email.lower()
        return user

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Whether this person of the provider can get an account."""
        return provider_of(sociallogin).sign_up or invitations.may_have_account(request, email_of(sociallogin))

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """The saved user, with their groups, and a place of the invitation that they accepted."""
        try:
            with transaction.atomic():
                user: User = super().save_user(request, sociallogin, form)
                if form is None:  # else the form has done so
                    invitations.use_accepted(request, user)
                update(sociallogin)
        except InvitationOver:
            raise ImmediateHttpResponse(render(request, "account/join.html", status=410)) from None
        return user


def update(sociallogin: SocialLogin) -> None:
    """Take over the person's groups, and whether they are an operator, where the provider says so."""
    provider, claims = provider_of(sociallogin), claims_of(sociallogin)
    if not provider.groups:
        return
    names, source = memberships.names_of(claims.get(provider.groups)), f"sign-in:{sociallogin.account.provider}"
    memberships.take_over(sociallogin.user, names, source)
    if provider.operators:
        memberships.set_operator(sociallogin.user, provider.operators in names, source)
