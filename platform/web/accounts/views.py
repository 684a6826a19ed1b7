"""Pages about a person's own account."""

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from web.accounts.services import use_sign_in_link


@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, secret: str) -> HttpResponse:
    """Sign in by a one-time link. GET only asks, so that a mail scanner's preview does not use the link up."""
    if request.method == "GET":
        return render(request, "account/enter.html")
    user = use_sign_in_link(secret)
    if user is None:
        messages.error(request, "This sign-in link was used already or is over a day old. Ask for a new one.")
        return redirect("account_login")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("store")
