"""Pages about emails: which one wants, and the link in each that stops its kind."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from web.accounts.requests import PersonRequest
from web.accounts.services import is_confirmed
from web.notifications import kinds


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: PersonRequest) -> HttpResponse:
    """Which emails the person gets."""
    user, known = request.user, kinds.kinds_for(request.user)
    if request.method == "POST":
        kinds.choose(user, [name for name in request.POST.getlist("wanted") if name in known])
        messages.success(request, gettext("Saved."))
        return redirect("notifications")
    rows = [(name, gettext(kind.title), kind.help and gettext(kind.help)) for name, kind in known.items()]
    context = {"rows": rows, "wanted": kinds.wanted_by(user), "has_mail": bool(settings.EMAIL_HOST)}
    return render(request, "notifications/notifications.html", {**context, "is_confirmed": is_confirmed(user)})


@never_cache
@csrf_exempt  # mail programs send it by one click (RFC 8058); the token in the address is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """End one kind of email. GET only shows a button, so that mail scanners end nothing."""
    found = kinds.of_stop_link(token)
    if found is None:
        return render(request, "notifications/stop.html", status=410)
    user, kind = found
    if request.method == "POST":
        kinds.stop(user, kind)
    context = {"title": gettext(kinds.KINDS[kind].title), "is_stopped": kind in user.notifications_off}
    return render(request, "notifications/stop.html", context)
