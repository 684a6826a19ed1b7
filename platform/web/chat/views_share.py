"""Share and export a chat; read one that was shared, and go on from it."""

from typing import cast
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from web.accounts.models import User
from web.builder.models import Gpt
from web.chat.rendering import render_answer
from web.chat.views_send import for_people_signed_in
from web.rpc import NoResult
from web.runs import exports, sharing
from web.runs.access import access_chat
from web.runs.errors import Refused
from web.runs.models_chats import Share


@never_cache
@require_http_methods(["GET", "POST"])
@for_people_signed_in
def share(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The links to a chat of one's own, a new one, and its export."""
    conversation = access_chat(request.user, conversation_id)
    if request.method == "POST":
        audience = request.POST.get("audience", "")
        if audience not in Share.Audience.values:
            raise Refused(gettext("Choose who can open the link."))
        sharing.create(conversation, audience)
        messages.success(request, gettext("The link is ready. It shows the chat as it is now."))
        return redirect("chat_share", conversation.id)
    links = conversation.shares.filter(revoked=None)
    context = {"conversation": conversation, "links": links, "audiences": Share.Audience.choices}
    return render(request, "chat/share.html", context)


@require_POST
@for_people_signed_in
def revoke(request: HttpRequest, conversation_id: UUID, share_id: int) -> HttpResponse:
    """End a link."""
    conversation = access_chat(request.user, conversation_id)
    shared = conversation.shares.filter(id=share_id).first()
    if shared is None:
        raise Http404(gettext("Link not found."))
    sharing.revoke(shared)
    messages.success(request, gettext("The link shows nothing any more."))
    return redirect("chat_share", conversation.id)


@never_cache
@require_safe
def shared_chat(request: HttpRequest, token: str) -> HttpResponse:
    """A chat that somebody shared, as it was then."""
    try:
        shared = sharing.access(request.user, token)
    except PermissionError:
        return redirect_to_login(request.path)
    gpt = shared.conversation.gpt
    context = {
        "share": shared,
        "spec": shared.conversation.version.spec(),
        "turns": [(turn, render_answer(turn.answer)) for turn in sharing.turns(shared.conversation, shared.run_id)],
        "gpt": gpt if Gpt.objects.chattable_by(request.user).filter(id=gpt.id).exists() else None,
    }
    response = render(request, "chat/shared.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response


@require_POST
@login_required
def continue_shared(request: HttpRequest, token: str) -> HttpResponse:
    """A chat of one's own that begins with the shared one."""
    shared = sharing.access(request.user, token)
    try:
        return redirect("chat", sharing.take_over(shared, cast(User, request.user)).id)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("shared_chat", token)


@never_cache
@require_safe
@for_people_signed_in
def export(request: HttpRequest, conversation_id: UUID, form: str) -> HttpResponse:
    """A chat as a file, or as a page to print."""
    conversation = access_chat(request.user, conversation_id)
    if form not in ("pdf", "md", "json", "print"):
        raise Http404(gettext("Format not found."))
    data = exports.as_data(conversation) if form in ("json", "print") else {}
    if form == "print":
        answers = [(each, render_answer(each["content"])) for each in data["messages"]]
        return render(request, "chat/print.html", {"chat": data, "messages_shown": answers})
    response: HttpResponse
    if form == "json":
        response = JsonResponse(data, json_dumps_params={"ensure_ascii": False, "indent": 1})
    elif form == "pdf":
        try:
            response = HttpResponse(exports.as_pdf(conversation), content_type="application/pdf")
        except (Refused, NoResult) as error:
            messages.error(request, str(error))
            return redirect("chat_share", conversation.id)
    else:
        response = HttpResponse(exports.as_markdown(conversation), content_type="text/markdown; charset=utf-8")
    name = quote(f"{conversation.title or 'Chat'}.{form}", safe="")
    response["Content-Disposition"] = f"attachment; filename=\"chat.{form}\"; filename*=UTF-8''{name}"
    return response
