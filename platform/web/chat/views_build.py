"""The Create tab of a GPT: the conversation that fills in its form, and undoing what it filled in."""

from typing import cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST

from gpts.spec.gpt import UNTITLED
from web.accounts.models import User
from web.accounts.quotas import QuotaExceeded
from web.accounts.requests import PersonRequest
from web.builder import views_wizard, wizard
from web.builder.access import access_draft
from web.builder.services import create_gpt, forget_untouched
from web.builder.views import wants_json
from web.chat.views_send import for_people_signed_in, ids_in, sent
from web.runs import building, drafts
from web.runs.deletion import delete_conversation
from web.runs.errors import Refused


def create_tab(slug: str) -> str:
    """The URL of the Create tab."""
    return f"{reverse('gpt_edit', args=[slug])}?tab=create"


@require_POST
@for_people_signed_in
def describe(request: HttpRequest) -> HttpResponse:
    """Make a draft without a name, and begin the conversation or the wizard that fills in its form."""
    if wizard.is_guided():
        return views_wizard.begin(cast(PersonRequest, request))
    text = request.POST.get("text", "").strip()
    forget_untouched(cast(User, request.user))
    try:
        gpt = create_gpt(cast(User, request.user), {"name": UNTITLED})
        if text:
            building.send(cast(User, request.user), gpt, text)
    except (Refused, QuotaExceeded, ValidationError) as error:
        texts = [str(error)] if isinstance(error, Refused) else error.messages
        messages.error(request, " ".join(texts))
        return redirect("gpt_new") if isinstance(error, QuotaExceeded | ValidationError) else redirect("gpts")
    return redirect(create_tab(gpt.slug))


@require_POST
@for_people_signed_in
def build(request: HttpRequest, slug: str) -> HttpResponse:
    """The next message to the builder of one's own GPT, about its draft as it is now."""
    gpt = access_draft(request.user, slug)
    try:
        run = building.send(cast(User, request.user), gpt, request.POST.get("text", ""), ids_in(request))
    except Refused as error:
        if wants_json(request):
            raise
        messages.error(request, str(error))
        return redirect(create_tab(slug))
    return sent(request, run)


@require_POST
@for_people_signed_in
def restart(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget the conversation with the builder. The draft stays as it is."""
    gpt = access_draft(request.user, slug)
    if conversation := building.conversation_of(cast(User, request.user), gpt):
        delete_conversation(conversation)
    return JsonResponse({}) if wants_json(request) else redirect(create_tab(slug))


@require_POST
@for_people_signed_in
def revert(request: HttpRequest, slug: str, change_id: int) -> HttpResponse:
    """Undo a change that the builder made, or make it again."""
    gpt = access_draft(request.user, slug)
    try:
        change = drafts.revert(drafts.access_change(gpt, change_id), cast(User, request.user))
    except Refused as error:
        if wants_json(request):
            raise
        messages.error(request, str(error))
        return redirect(create_tab(slug))
    if not wants_json(request):
        return redirect(create_tab(slug))
    return JsonResponse({"html": render_to_string("chat/draft_change.html", {"change": change}, request)})
