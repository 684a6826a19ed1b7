"""`/api/gpts/{slug}/webhooks` and `/api/operate/webhooks`: URLs that are told of what happens, signed."""

from datetime import datetime
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
from web.api.gpts import DENIED, INVALID
from web.api.operate import operator
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder.access import access_own_gpt

router = Router(tags=["Webhooks"])
GPT_ONE = "/gpts/{slug}/webhooks/{uuid:webhook_id}"
SITE_ONE = "/operate/webhooks/{uuid:webhook_id}"
LISTED = {**DENIED, 422: INVALID[422]}
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


def _gpts(request: HttpRequest, slug: str) -> Any:
    return access_own_gpt(caller(request), slug)


def _site(request: HttpRequest) -> Any:
    operator(request)  # or there is nothing here
    return None


@router.get("/gpts/{slug}/webhooks", response={200: list[WebhookShape], **LISTED})
@paginate(Pages)
def list_webhooks(request: HttpRequest, slug: str) -> QuerySet[Webhook]:
    """The webhooks of your GPT, newest first."""
    return webhooks.of(_gpts(request, slug))


@router.post("/gpts/{slug}/webhooks", response={201: WebhookWithSecret, **INVALID})
def add_webhook(request: HttpRequest, slug: str, new: NewWebhook) -> Status[Webhook]:
    """Add a webhook to your GPT. Its calls are signed as Standard Webhooks has it."""
    return Status(201, _with_key(*webhooks.create(_gpts(request, slug), new.url, new.events, caller(request))))


@router.get(GPT_ONE, response={200: WebhookShape, **DENIED})
def read_webhook(request: HttpRequest, slug: str, webhook_id: UUID) -> Webhook:
    """A webhook of your GPT."""
    return webhooks.access(_gpts(request, slug), webhook_id)


@router.patch(GPT_ONE, response={200: WebhookShape, **INVALID})
def change_webhook(request: HttpRequest, slug: str, webhook_id: UUID, change: WebhookPatch) -> Webhook:
    """Change a webhook of your GPT, stop it or resume it."""
    return _changed(webhooks.access(_gpts(request, slug), webhook_id), change, caller(request))


@router.delete(GPT_ONE, response={204: None, **DENIED})
def remove_webhook(request: HttpRequest, slug: str, webhook_id: UUID) -> Status[None]:
    """Delete a webhook of your GPT."""
    webhooks.remove(webhooks.access(_gpts(request, slug), webhook_id), caller(request))
    return Status(204, None)


@router.post(f"{GPT_ONE}/secret", response={200: WebhookWithSecret, **DENIED})
def replace_webhook_secret(request: HttpRequest, slug: str, webhook_id: UUID) -> Webhook:
    """A new signing key; the old one ends at once."""
    hook = webhooks.access(_gpts(request, slug), webhook_id)
    return _with_key(hook, webhooks.new_secret(hook, caller(request)))


@router.post(f"{GPT_ONE}/test", response={202: DeliveryShape, **INVALID})
def test_webhook(request: HttpRequest, slug: str, webhook_id: UUID) -> Status[Delivery]:
    """Send it an event `test`."""
    return Status(202, webhooks.test(webhooks.access(_gpts(request, slug), webhook_id), caller(request)))


@router.get(f"{GPT_ONE}/deliveries", response={200: list[DeliveryShape], **LISTED})
@paginate(Pages)
def list_deliveries(request: HttpRequest, slug: str, webhook_id: UUID) -> QuerySet[Delivery]:
    """What it was sent, and what waits, newest first; kept for 30 days."""
    return webhooks.deliveries(webhooks.access(_gpts(request, slug), webhook_id))


@router.get("/operate/webhooks", response={200: list[WebhookShape], **LISTED})
@paginate(Pages)
def list_site_webhooks(request: HttpRequest) -> QuerySet[Webhook]:
    """The webhooks of this site, newest first."""
    return webhooks.of(_site(request))


@router.post("/operate/webhooks", response={201: WebhookWithSecret, **INVALID})
def add_site_webhook(request: HttpRequest, new: NewWebhook) -> Status[Webhook]:
    """Add a webhook to this site. Its calls are signed as Standard Webhooks has it."""
    return Status(201, _with_key(*webhooks.create(_site(request), new.url, new.events, caller(request))))


@router.get(SITE_ONE, response={200: WebhookShape, **DENIED})
def read_site_webhook(request: HttpRequest, webhook_id: UUID) -> Webhook:
    """A webhook of this site."""
    return webhooks.access(_site(request), webhook_id)


@router.patch(SITE_ONE, response={200: WebhookShape, **INVALID})
def change_site_webhook(request: HttpRequest, webhook_id: UUID, change: WebhookPatch) -> Webhook:
    """Change a webhook of this site, stop it or resume it."""
    return _changed(webhooks.access(_site(request), webhook_id), change, caller(request))


@router.delete(SITE_ONE, response={204: None, **DENIED})
def remove_site_webhook(request: HttpRequest, webhook_id: UUID) -> Status[None]:
    """Delete a webhook of this site."""
    webhooks.remove(webhooks.access(_site(request), webhook_id), caller(request))
    return Status(204, None)


@router.post(f"{SITE_ONE}/secret", response={200: WebhookWithSecret, **DENIED})
def replace_site_webhook_secret(request: HttpRequest, webhook_id: UUID) -> Webhook:
    """A new signing key; the old one ends at once."""
    hook = webhooks.access(_site(request), webhook_id)
    return _with_key(hook, webhooks.new_secret(hook, caller(request)))


@router.post(f"{SITE_ONE}/test", response={202: DeliveryShape, **INVALID})
def test_site_webhook(request: HttpRequest, webhook_id: UUID) -> Status[Delivery]:
    """Send it an event `test`."""
    return Status(202, webhooks.test(webhooks.access(_site(request), webhook_id), caller(request)))


@router.get(f"{SITE_ONE}/deliveries", response={200: list[DeliveryShape], **LISTED})
@paginate(Pages)
def list_site_deliveries(request: HttpRequest, webhook_id: UUID) -> QuerySet[Delivery]:
    """What it was sent, and what waits, newest first; kept for 30 days."""
    return webhooks.deliveries(webhooks.access(_site(request), webhook_id))
