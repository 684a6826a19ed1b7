"""Pages about one's own account."""

from typing import Final

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from web.accounts import grants
from web.accounts.forms import AccountForm, KeyForm
from web.accounts.quotas import QuotaExceeded
from web.accounts.requests import PersonRequest
from web.accounts.services import confirm, create_key, is_confirmed, revoke_key, user_of_sign_in_link

ENDED: Final = (
    "This account is now yours alone. Its old password, sessions, API keys, permissions and sign-ins to other "
    "services no longer work. Set a new password in your account."
)


@never_cache
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, secret: str) -> HttpResponse:
    """Sign in with a one-time link. GET only shows a button, so that mail scanners don't use up the link."""
    user = user_of_sign_in_link(secret, use=request.method == "POST")
    is_new = user is not None and not is_confirmed(user)
    if user is None or request.method == "GET":
        return render(request, "account/enter.html", {"person": user, "is_new": is_new}, status=200 if user else 410)
    if is_new:
        confirm(user)
        messages.warning(request, ENDED)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    messages.success(request, f"Signed in as {user.shown_name}.")
    return redirect("store")


@login_required
@require_http_methods(["GET", "POST"])
def account(request: PersonRequest) -> HttpResponse:
    """One's name, password and theme."""
    form = AccountForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("account")
    request.user.refresh_from_db()  # without what the form refused
    return render(request, "account/me.html", {"form": form})


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def keys(request: PersonRequest) -> HttpResponse:
    """One's API keys and connected programs. A new key is only shown in the response to the POST that creates it."""
    form = KeyForm(request.POST or None, initial={"days": 90})
    secret = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            _, secret = create_key(request.user, given["name"], form.expires(), may_approve=given["may_approve"])
            form = KeyForm(initial={"days": 90})
        except QuotaExceeded as error:
            form.add_error("name", error)
    live = request.user.api_keys.filter(revoked=None)
    context = {"form": form, "secret": secret, "keys": live, "now": timezone.now()}
    context["grants"] = grants.live_grants(request.user)
    return render(request, "account/keys.html", context)


@login_required
@require_POST
def revoke(request: PersonRequest, key_id: int) -> HttpResponse:
    """Revoke one of one's own keys. 404 for anyone else's."""
    if not revoke_key(request.user, key_id):
        raise Http404("Key not found.")
    messages.success(request, "Key revoked. Programs can no longer use it.")
    return redirect("account_keys")


@login_required
@require_POST
def disconnect(request: PersonRequest, grant_id: int) -> HttpResponse:
    """End what one let a program do. 404 for anyone else's."""
    if not grants.end(request.user, grant_id):
        raise Http404("Program not found.")
    messages.success(request, "Program disconnected.")
    return redirect("account_keys")
