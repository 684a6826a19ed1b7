"""“Sign in to <host>”: redirects a person to the service that an action calls, and handles the redirect back.

A pending sign-in is kept in the person's session under its `state`, and removed on the way back: so the callback
works once, in the same browser, and for the same action.
"""

import time
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.builder import sign_ins
from web.builder.models_actions import Action
from web.rpc import NoResult
from web.runs.approving import signed_in

PENDING_S: Final = 600
MAX_PENDING: Final = 10
_KEY: Final = "sign_ins"


@login_required
@never_cache
@require_safe
def start(request: PersonRequest, action_id: UUID) -> HttpResponse:
    """Redirect the person to the service, or let them see the hosts first if there is more than the API's.

    `next` is the page of this site to return to.
    """
    action = sign_ins.access_sign_in_action(request.user, action_id)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        # Another site must not start a sign-in on the person's behalf.
        messages.error(request, gettext("Sign in to {host} from the chat.").format(host=action.host))
        return redirect("gpt", action.gpt.slug)
    url, state, verifier = sign_ins.begin_sign_in(action)
    wanted = request.GET.get("next", "")
    local = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    pending = dict(list(request.session.get(_KEY, {}).items())[1 - MAX_PENDING :])
    back = wanted if local else reverse("gpt", args=[action.gpt.slug])
    service = sign_ins.service_digest(action)
    pending[state] = [str(action.id), request.user.pk, verifier, int(time.time()), back, service]
    request.session[_KEY] = pending
    hosts = sign_ins.sign_in_hosts(action)
    if list(hosts) == [action.host]:
        return redirect(url)
    context = {"action": action, "hosts": hosts, "page": next(iter(hosts)), "url": url, "back": back}
    return render(request, "chat/sign_in.html", context)


@login_required
@never_cache
@require_safe
def callback(request: PersonRequest, action_id: UUID) -> HttpResponse:
    """The URL to which the service redirects the person."""
    state = request.GET.get("state", "")
    pending = request.session.get(_KEY, {})
    began = pending.pop(state, None)
    request.session[_KEY] = pending
    action = sign_ins.access_sign_in_action(request.user, action_id)
    if began is None or began[0] != str(action.id) or began[1] != request.user.pk or _is_old(began[3]):
        messages.error(
            request,
            gettext("This sign-in to {host} expired or began in another browser. Start again.").format(
                host=action.host
            ),
        )
        return redirect("gpt", action.gpt.slug)
    _finish(request, action, began[2], began[5])
    return redirect(began[4])


def _is_old(began: int) -> bool:
    return time.time() - began > PENDING_S


def _finish(request: PersonRequest, action: Action, verifier: str, service: str) -> None:
    code = request.GET.get("code", "")
    if not code or request.GET.get("error"):
        messages.error(request, gettext("You didn’t sign in to {host}.").format(host=action.host))
        return
    try:
        sign_in = sign_ins.finish_sign_in(request.user, action, code[:4_000], verifier, service)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except NoResult as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("Signed in to {host}.").format(host=sign_in.host))
        signed_in(request.user, sign_in.host)


@login_required
@require_POST
def sign_out(request: PersonRequest, action_id: UUID) -> HttpResponse:
    """Sign out of an action's service."""
    sign_in = sign_ins.sign_out(request.user, action_id)
    if request.accepts("text/html"):
        messages.success(request, gettext("Signed out of {host}.").format(host=sign_in.host))
        return redirect("permissions")
    return JsonResponse({"signed_out": sign_in.host})
