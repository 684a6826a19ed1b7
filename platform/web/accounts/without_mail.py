"""What a site without a mail server does not offer: reset links, confirmations, and pages that claim they were sent.

allauth has no setting for it, so these patterns come before its own.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.account.urls import urlpatterns as allauth_patterns
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern

View = Callable[..., HttpResponse]
# allauth's pages that send email, say that it was sent, or open a link from one.
MAIL_PAGES: Final = {
    *("account_reset_password", "account_reset_password_done", "account_reset_password_from_key"),
    *("account_reset_password_from_key_done", "account_email_verification_sent", "account_confirm_email"),
    *("account_request_login_code", "account_confirm_login_code"),
}


def with_mail(view: View, readable: bool) -> View:
    """`view`, or without a mail server a page that says whom to ask; a `readable` view still answers GET."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        reads = request.method in ("GET", "HEAD")
        if settings.EMAIL_HOST or (readable and reads):
            return view(request, *args, **kwargs)
        return render(request, "account/without_mail.html", status=200 if reads else 403)

    return checked


patterns = [
    URLPattern(each.pattern, with_mail(each.callback, each.name == "account_email"), each.default_args, each.name)
    for each in allauth_patterns
    if each.name in (*MAIL_PAGES, "account_email")
]
