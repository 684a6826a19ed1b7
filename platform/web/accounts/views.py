"""Pages about one's own account."""

from typing import Final

from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from web.accounts import grants, hints, invitations, people
from web.accounts.forms import AccountForm, KeyForm
from web.accounts.quotas import QuotaExceeded
from web.accounts.requests import PersonRequest
from web.accounts.services import (
    confirm,
    create_key,
    is_confirmed,
    links_by_others,
    revoke_key,
    user_of_sign_in_link,
    vouch_for_address,
)
from web.accounts.sessions import end_all_sessions, end_session, live_sessions
from web.accounts.user_names import address_of

ENDED: Final = gettext_lazy(
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
    vouch_for_address(user)
    request.is_by_link = True  # type: ignore[attr-defined] # for the audit log
    # By allauth, which asks for the second factor. An operator vouches for the address.
    # The first operator of a new site starts with what there is to set up.
    to = reverse("admin:index") if user.is_staff and user.last_login is None else None
    return perform_login(request, Login(user=user, email_verification=EmailVerificationMethod.NONE, redirect_url=to))


@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Accept an invitation: visitors then create an account, and people with one join its groups."""
    invitation = invitations.find(secret)
    if invitation is None or request.method == "GET":
        context = {"invitation": invitation, "here": request.path}
        return render(request, "account/join.html", context, status=200 if invitation else 410)
    if not request.user.is_authenticated:
        invitations.accept(request, invitation)
        return redirect("account_signup")
    try:
        invitations.use(invitation, request.user)
    except invitations.InvitationOver:
        return render(request, "account/join.html", status=410)
    messages.success(request, gettext("You’ve joined."))
    return redirect("store")


@login_required
@require_http_methods(["GET", "POST"])
def account(request: PersonRequest) -> HttpResponse:
    """One's name, password and theme."""
    form = AccountForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, gettext("Saved."))
        return redirect("account")
    request.user.refresh_from_db()  # without what the form refused
    n_decisions = request.user.cases.exclude(decision__in=("", "none")).count()
    return render(request, "account/me.html", {"form": form, "n_decisions": n_decisions})


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
            _, secret = create_key(request.user, given["name"], form.expires(), scopes=given["scopes"])
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
        raise Http404(gettext("Key not found."))
    messages.success(request, gettext("Key revoked. Programs can no longer use it."))
    return redirect("account_keys")


@login_required
@require_POST
def disconnect(request: PersonRequest, grant_id: int) -> HttpResponse:
    """End what one let a program do. 404 for anyone else's."""
    if not grants.end(request.user, grant_id):
        raise Http404(gettext("Program not found."))
    messages.success(request, gettext("Program disconnected."))
    return redirect("account_keys")


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def sessions(request: PersonRequest) -> HttpResponse:
    """Where one is signed in; POST ends one of these sessions, or all but this one."""
    if request.method == "GET":
        shown = {"sessions": live_sessions(request.user, request), "links": links_by_others(request.user)[:5]}
        return render(request, "usersessions/usersession_list.html", shown)
    if session_id := request.POST.get("session"):
        if not end_session(request.user, session_id):
            raise Http404(gettext("Session not found."))
        messages.success(request, gettext("Session ended."))
    else:
        end_all_sessions(request.user, request.user, but=request)
        messages.success(request, gettext("You’re signed out everywhere else."))
    return redirect("usersessions_list")


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
@reauthentication_required
def close(request: PersonRequest) -> HttpResponse:
    """Close one's account for good. Asks for the password first, and for the address as a confirmation."""
    is_last = people.is_last_operator(request.user)
    is_wrong = address_of(request.POST.get("email", "")) != request.user.email
    if request.method == "GET" or is_last or is_wrong:
        context = {"is_last": is_last, "is_wrong": is_wrong and request.method == "POST"}
        return render(request, "account/close.html", context, status=422 if request.method == "POST" else 200)
    people.close(request.user, request.user)
    logout(request)
    messages.success(request, gettext("Your account is closed. What was yours is being erased."))
    return redirect("store")


@login_required
@require_POST
def dismiss_hint(request: PersonRequest, name: str) -> HttpResponse:
    """Show the person this hint no more, and go back to the page."""
    if name not in hints.HINTS:
        raise Http404(gettext("Hint not found."))
    hints.dismiss(request.user, name)
    page = request.POST.get("next", "")
    return redirect(page if url_has_allowed_host_and_scheme(page, allowed_hosts=None) else "store")
