"""Branches of a chat: edit a message, show another version, continue in a chat of its own."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from web.builder.views import wants_json
from web.chat.views import page_at
from web.chat.views_send import check_access, for_people_signed_in, ids_in, sent
from web.runs import branches, copies, services
from web.runs.access import access_chat, access_conversation, message_in


@require_POST
@for_people_signed_in
def edit(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Send another version of a message, which is answered anew."""
    conversation = access_conversation(request.user, conversation_id)
    check_access(request, conversation)
    message = message_in(conversation, id=message_id)
    return sent(request, services.edit(message, request.POST.get("text", ""), ids_in(request)))


@require_POST
@for_people_signed_in
def show(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show the branch with an answer."""
    conversation = access_conversation(request.user, conversation_id)
    run_id = _run_in(request)
    branches.show(conversation, run_id)
    page = page_at(conversation.id, run_id)
    return JsonResponse({"shown": str(conversation.shown_id)}) if wants_json(request) else redirect(page)


@require_POST
@for_people_signed_in
def fork(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Copy the chat up to an answer into a new one, and open it."""
    conversation = access_chat(request.user, conversation_id)
    return redirect("chat", copies.fork(conversation, _run_in(request)).id)


def _run_in(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("run", ""))
    except ValueError:
        raise Http404(gettext("Answer not found.")) from None
