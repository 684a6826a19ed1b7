"""The pages of a GPT's webhooks: URLs of its creator's that are told what happens to it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from web.accounts import webhooks
from web.accounts.models_outbox import Webhook
from web.accounts.requests import PersonRequest
from web.builder.models import Gpt
from web.builder.views import of_own_gpt

DONE = {
    "test": gettext_noop("Sent within seconds. Reload to see what became of it."),
    "stop": gettext_noop("Stopped."),
    "resume": gettext_noop("Resumed."),
    "remove": gettext_noop("Webhook deleted."),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@of_own_gpt
def list_webhooks(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """The webhooks of a GPT, and the form for another, whose secret is only shown in the response to its POST."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            hook, key = webhooks.create(gpt, *_sent(request), request.user)
        except ValidationError as error:
            errors = _by_field(error)
        else:
            return _page(request, hook, key=key)
    chosen = request.POST.getlist("events") if request.method == "POST" else list(webhooks.GPT_EVENTS)
    context = {"gpt": gpt, "rows": webhooks.of(gpt), **_form(request.POST.get("url", ""), chosen, errors)}
    return render(request, "builder/webhooks.html", context, status=422 if errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@of_own_gpt
def webhook(request: PersonRequest, gpt: Gpt, webhook_id: UUID) -> HttpResponse:
    """One webhook: what it was sent, and its form."""
    hook = webhooks.access(gpt, webhook_id)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            webhooks.change(hook, request.user, *_sent(request))
        except ValidationError as error:
            errors = _by_field(error)
        else:
            messages.success(request, gettext("Saved."))
            return redirect("gpt_webhook", gpt.slug, hook.id)
    return _page(request, hook, errors)


@never_cache
@require_POST
@of_own_gpt
def act(request: PersonRequest, gpt: Gpt, webhook_id: UUID, action: str) -> HttpResponse:
    """Do one of `webhooks.ACTS`. A new secret is only shown in this response."""
    hook = webhooks.access(gpt, webhook_id)
    if action not in webhooks.ACTS:
        raise Http404
    try:
        done = webhooks.ACTS[action](hook, request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("gpt_webhook", gpt.slug, webhook_id)
    if action == "secret":
        return _page(request, hook, key=done)
    messages.success(request, gettext(DONE[action]))
    return redirect("gpt_webhooks", gpt.slug) if action == "remove" else redirect("gpt_webhook", gpt.slug, hook.id)


def _sent(request: PersonRequest) -> tuple[str, list[str]]:
    return request.POST.get("url", "").replace("\x00", ""), request.POST.getlist("events")


def _by_field(error: ValidationError) -> dict[str, str]:
    return {name: " ".join(texts) for name, texts in error.message_dict.items()}


def _form(url: str, chosen: list[str], errors: dict[str, str]) -> dict[str, Any]:
    events = [(event, gettext(title), event in chosen) for event, title in webhooks.GPT_EVENTS.items()]
    return {"url": url, "events": events, "errors": errors}


def _page(request: PersonRequest, hook: Webhook, errors: dict[str, str] | None = None, key: str = "") -> HttpResponse:
    deliveries = webhooks.deliveries(hook)[: webhooks.N_SHOWN]
    context = {"gpt": hook.gpt, "hook": hook, "key": key, "deliveries": deliveries, "titles": webhooks.GPT_EVENTS}
    return render(
        request,
        "builder/webhook.html",
        {**context, **_form(hook.url, hook.events, errors or {})},
        status=422 if errors else 200,
    )
