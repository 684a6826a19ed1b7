"""Settings of allauth."""

import logging
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.sites.requests import RequestSite
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy

from web.accounts import invitations, mailing, suspended
from web.accounts.contact import help_line
from web.accounts.models import User
from web.accounts.services import end_access, is_confirmed, undo_sign_up, unseen_link, vouch_for_address
from web.accounts.user_names import LOCAL

logger = logging.getLogger(__name__)


def _taken() -> SafeString:
    """What to do where an address has an account already."""
    text = gettext(
        'This email address has an account already. <a class="link" href="{sign_in}">Sign in</a>, or ask an admin '
        "for a sign-in link."
    )
    return format_html(text, sign_in=reverse("account_login"))


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is open to those whom a setting or an invitation lets in."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_taken": lazy(_taken, str)(),
        "email_password_mismatch": gettext_lazy("This name and password do not match."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether this visitor can create an account."""
        return invitations.is_open_to(request)

    def clean_email(self, email: str) -> str:
        """The address. Raises ValidationError where somebody who is signed in adds one that no account may have."""
        if allauth_context.request.user.is_authenticated:
            invitations.check_change(email)
        return super().clean_email(email)

    def set_password(self, user: User, password: str) -> None:
        """Set it. Whoever resets that of an account whose address nobody confirmed gets it for themselves alone."""
        if allauth_context.request.user != user and not is_confirmed(user):
            end_access(user)
        super().set_password(user, password)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """The account, not the form again."""
        return reverse("account")

    def is_safe_url(self, url: str) -> bool:
        """Whether a page may lead there. Nothing leads to what is no URL."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """The email, which calls the site by its name, not by its address. To user names nothing is sent.

        Shows a page if it can't be sent.
        """
        if email.endswith(LOCAL):
            return
        request = allauth_context.request
        named = RequestSite(request)
        named.name = settings.SITE_NAME
        try:
            with translation.override(getattr(context.get("user"), "language", "") or translation.get_language()):
                super().send_mail(template_prefix, email, {**context, "current_site": named})
        except OSError as error:  # smtplib's too
            logger.warning("no mail could be sent: %s", type(error).__name__)
            mailing.note_failure(error)
            _undo(request, email)
            page = render(request, "account/mail_failed.html", {"email": email}, status=503)
            raise ImmediateHttpResponse(page) from error
        mailing.note_sent()

    def render_mail(self, *args: Any, **options: Any) -> EmailMessage:
        """The email, with whom to ask."""
        message: EmailMessage = super().render_mail(*args, **options)
        message.body = "\n\n".join(filter(None, (str(message.body).rstrip(), help_line()))) + "\n"
        return message

    def pre_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse | None:
        """Let admins in without a confirmation by email, which counts for nobody else as theirs does.

        Otherwise whoever sets up mail locks out the admins from before, `operator@localhost` for good.
        """
        if user.is_active and user.is_staff:
            vouch_for_address(user)
        response: HttpResponse | None = super().pre_login(request, user, **options)
        return response

    def format_email_subject(self, subject: str) -> str:
        """With the name of the site."""
        return f"{settings.SITE_NAME}: {subject}"

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in, with a notice of a link with which an admin could have signed in as this person."""
        if link := unseen_link(user):
            text = gettext("An admin made a sign-in link for you on {date}. See Sessions in your account.")
            messages.info(request, text.format(date=date_format(localtime(link.at), "DATETIME_FORMAT")))
        super().login(request, user)

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
        request.signed_up = saved  # type: ignore[attr-defined] # for `_undo`
        return saved


def _undo(request: HttpRequest, email: str) -> None:
    """Remove what a request has stored before the email that failed, so that the person can try again."""
    if made := getattr(request, "signed_up", None):
        undo_sign_up(made)
    elif request.user.is_authenticated and "action_add" in request.POST:
        EmailAddress.objects.filter(user=request.user, email=email.lower(), verified=False).delete()
    # Within the minutes of this limit, allauth would say that it has sent the message, and send none.
    ratelimit.clear(request, app="allauth.account", action="confirm_email", key=email.lower())
