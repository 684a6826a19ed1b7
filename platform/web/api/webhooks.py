"""`/api/gpts/{slug}/webhooks` and `/api/operate/webhooks`: URLs that are told of what happens, signed."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from inspect import Signature, signature
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.accounts import webhooks
from web.accounts.models_outbox import URL_CHARS, Delivery, Webhook
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED
from web.api.operate import operator
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder.access import access_own_gpt
from web.builder.models import Gpt

router, site_router = Router(tags=["Webhooks"]), Router(tags=["Webhooks"])
ONE = "/{uuid:webhook_id}"
View = Callable[..., Any]
Url = Annotated[Text, Field(min_length=1, max_length=URL_CHARS)]
Events = Annotated[list[Annotated[Text, Field(max_length=40)]], Field(min_length=1, max_length=100)]
EVENTS = f"Of your GPT: {', '.join(f'`{each}`' for each in webhooks.GPT_EVENTS)}. Of the site: acts of the audit log."


class NewWebhook(RequestBody):
    """A webhook to add."""

    url: Url
    events: Events = Field(description=EVENTS)


class WebhookPatch(RequestBody):
    """What to change of it."""

    url: Url | None = None
    events: Events | None = None
    stopped: bool | None = Field(None, description="Whether it is to be told nothing.")


class WebhookShape(Schema):
    """A webhook. `n_failed`: tries in a row that failed; after many it stops, and `stopped_why` says why."""

    id: UUID
    url: str
    events: list[str]
    n_failed: int
    stopped: datetime | None
    stopped_why: str
    created: datetime


class WebhookWithSecret(WebhookShape):
    """A webhook, and the key that signs its calls, which is shown only here."""

    signing_key: str


class DeliveryShape(Schema):
    """Something that it was sent, or is to be sent. `id` is its `webhook-id`; `state`: sent, waiting or failed."""

    id: UUID
    event: str
    state: str
    n_tries: int
    error: str
    created: datetime
    next_try: datetime | None
    sent: datetime | None


def _with_key(hook: Webhook, key: str) -> Webhook:
    hook.signing_key = key  # type: ignore[attr-defined]
    return hook


def _changed(hook: Webhook, change: WebhookPatch, by: Any) -> Webhook:
    if change.url is not None or change.events is not None:
        webhooks.change(hook, by, change.url, change.events)
    if change.stopped is not None:
        (webhooks.stop if change.stopped else webhooks.resume)(hook, by)
    hook.refresh_from_db()
    return hook


def route(method: str, path: str = "", **options: Any) -> Callable[[View], View]:
    """Register `view(request, gpt, …)` for the webhooks of a GPT of the caller's, and for the site's, without one.

    In what it says of itself, “{of}” stands for which of the two.
    """

    def register(view: View) -> View:
        request, _, *given = signature(view).parameters.values()

        @wraps(view)
        def of_gpt(request: HttpRequest, slug: str, **given: Any) -> Any:
            return view(request, gpt=access_own_gpt(caller(request), slug), **given)

        @wraps(view)
        def of_site(request: HttpRequest, **given: Any) -> Any:
            operator(request)  # or there is nothing here
            return view(request, gpt=None, **given)

        says = view.__doc__ or ""
        slug = signature(of_gpt, follow_wrapped=False).parameters["slug"]
        of_gpt.__doc__, of_site.__doc__ = says.replace("{of}", "your GPT"), says.replace("{of}", "this site")
        of_site.__name__ = view.__name__.replace("_", "_site_", 1)
        of_gpt.__signature__ = Signature([request, slug, *given])  # type: ignore[attr-defined]
        of_site.__signature__ = Signature([request, *given])  # type: ignore[attr-defined]
        getattr(router, method)(f"/gpts/{{slug}}/webhooks{path}", **options)(of_gpt)
        getattr(site_router, method)(f"/operate/webhooks{path}", **options)(of_site)
        return view

    return register


@route("get", response={200: list[WebhookShape], **LISTED})
@paginate(Pages)
def list_webhooks(request: HttpRequest, gpt: Gpt | None) -> QuerySet[Webhook]:
    """The webhooks of {of}, newest first."""
    return webhooks.of(gpt)


@route("post", response={201: WebhookWithSecret, **INVALID})
def add_webhook(request: HttpRequest, gpt: Gpt | None, new: NewWebhook) -> Status[Webhook]:
    """Add a webhook to {of}. Its calls are signed as Standard Webhooks has it."""
    return Status(201, _with_key(*webhooks.create(gpt, new.url, new.events, caller(request))))


@route("get", ONE, response={200: WebhookShape, **DENIED})
def read_webhook(request: HttpRequest, gpt: Gpt | None, webhook_id: UUID) -> Webhook:
    """A webhook of {of}."""
    return webhooks.access(gpt, webhook_id)


@route("patch", ONE, response={200: WebhookShape, **INVALID})
def change_webhook(request: HttpRequest, gpt: Gpt | None, webhook_id: UUID, change: WebhookPatch) -> Webhook:
    """Change a webhook of {of}, stop it or resume it."""
    return _changed(webhooks.access(gpt, webhook_id), change, caller(request))


@route("delete", ONE, response={204: None, **DENIED})
def remove_webhook(request: HttpRequest, gpt: Gpt | None, webhook_id: UUID) -> Status[None]:
    """Delete a webhook of {of}."""
    webhooks.remove(webhooks.access(gpt, webhook_id), caller(request))
    return Status(204, None)


@route("post", f"{ONE}/secret", response={200: WebhookWithSecret, **DENIED})
def replace_webhook_secret(request: HttpRequest, gpt: Gpt | None, webhook_id: UUID) -> Webhook:
    """A new signing key; the old one ends at once."""
    hook = webhooks.access(gpt, webhook_id)
    return _with_key(hook, webhooks.new_secret(hook, caller(request)))


@route("post", f"{ONE}/test", response={202: DeliveryShape, **INVALID})
def test_webhook(request: HttpRequest, gpt: Gpt | None, webhook_id: UUID) -> Status[Delivery]:
    """Send it an event `test`."""
    return Status(202, webhooks.test(webhooks.access(gpt, webhook_id), caller(request)))


@route("get", f"{ONE}/deliveries", response={200: list[DeliveryShape], **LISTED})
@paginate(Pages)
def list_deliveries(request: HttpRequest, gpt: Gpt | None, webhook_id: UUID) -> QuerySet[Delivery]:
    """What it was sent, and what waits, newest first; kept for 30 days."""
    return webhooks.deliveries(webhooks.access(gpt, webhook_id))
