"""Settings of allauth."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from web.accounts import invitations, suspended
from web.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is open to those whom a setting or an invitation lets in."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether this visitor can create an account."""
        return invitations.is_open_to(request)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Where somebody who is suspended, and has shown who they are, reads what was decided and can appeal."""
        return redirect(suspended.link(user))

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """The saved user, with a place of the invitation that they accepted. Shows a page if there is none left."""
        try:
            with transaction.atomic():
                saved: User = super().save_user(request, user, form, commit)
                invitations.use_accepted(request, saved)
        except invitations.InvitationOver:
            raise ImmediateHttpResponse(render(request, "account/join.html", status=410)) from None
        return saved
