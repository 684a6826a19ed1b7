"""Bringing another GPT into a chat: the list to choose from while a person types, and sending it away again."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.templatetags.faces import face
from web.builder.views import wants_json
from web.chat.views_send import for_people_signed_in
from web.runs import services
from web.runs.mentions import mentionable


@never_cache
@require_safe
@for_people_signed_in
def mentionable_gpts(request: HttpRequest) -> JsonResponse:
    """The GPTs that fit `q` and that the person may bring in, as JSON."""
    found = mentionable(cast(User, request.user), request.GET.get("q", ""))
    return JsonResponse({"gpts": [_option(gpt) for gpt in found]})


def _option(gpt: Gpt) -> dict[str, str]:
    assert gpt.published
    spec = gpt.published.spec()
    facts = {"slug": gpt.slug, "name": spec.name, "description": spec.description}
    return {**facts, "creator": gpt.owner.shown_name, "face": face(gpt, "xs")}


@require_POST
@for_people_signed_in
def dismiss(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Let the chat's own GPT answer again."""
    conversation = services.access_conversation(request.user, conversation_id)
    services.dismiss_guest(conversation)
    return JsonResponse({"guest": ""}) if wants_json(request) else redirect("chat", conversation.id)
