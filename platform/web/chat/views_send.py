"""Actions in a chat: send, regenerate, rename, delete, mention a GPT. Scripts get JSON, plain forms a redirect.

Every error is one sentence that says what to do; the page's script shows it and keeps the typed text.
"""

from functools import wraps
from typing import Any, Literal, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gpts.spec.gpt import GptSpec
from web.accounts.models import User
from web.builder.access import access_draft, access_gpt
from web.builder.models import Gpt
from web.builder.templatetags.faces import face
from web.builder.views import View, wants_json
from web.chat.turns import guest_of, turn_of
from web.chat.views import head, side, why_read_only
from web.runs import projects, queued, services
from web.runs.access import access_conversation, answered_by
from web.runs.deletion import delete_conversation
from web.runs.errors import NotPublished, Refused, StillAnswering
from web.runs.inputs_of import sent_inputs
from web.runs.mentions import N_LISTED, mentionable
from web.runs.models import Conversation, Run
from web.runs.models_chats import Project

SIGNED_OUT = gettext_lazy("You’re signed out. Sign in in another tab, then send again.")
# Characters of a message that are kept in the URL while the person signs in.
MAX_PREFILL = 2_000


class NoAccess(Refused):
    """The person no longer has access to the GPT."""

    status = 403


def for_people_signed_in(view: View) -> View:
    """`view` for signed-in people; others sign in first. Refused becomes a JSON error, or a message on the page."""

    @wraps(view)
    def checked(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            if wants_json(request):
                return JsonResponse({"error": str(SIGNED_OUT), "sign_in": reverse("account_login")}, status=401)
            return redirect_to_login(_next_url(request))
        try:
            return view(request, **kwargs)
        except Refused as error:
            if wants_json(request):
                return JsonResponse({"error": str(error)}, status=error.status)
            messages.error(request, str(error))
            return redirect("gpt" if "slug" in kwargs else "chat", next(iter(kwargs.values())))

    return checked


def _next_url(request: HttpRequest) -> str:
    """The URL to return to after signing in, with the message that was to be sent."""
    text = (request.POST.get("text") or request.GET.get("text") or "")[:MAX_PREFILL]
    return f"{request.path}?{urlencode({'text': text})}" if text else request.path


@never_cache
@require_http_methods(["GET", "POST"])
@for_people_signed_in
def new_chat(request: HttpRequest, slug: str) -> HttpResponse:
    """An empty chat with a GPT. The first message creates the conversation; nothing is stored before."""
    gpt = access_gpt(request.user, slug)
    if gpt.published is None:
        raise NotPublished
    if request.method == "GET":
        text = request.GET.get("text", "")[:MAX_PREFILL]
        project = _project(request)
        context = {"text": text, "temporary": "temporary" in request.GET, "project": project}
        return render(request, "chat/chat.html", {**head(gpt, gpt.published, project), **side(request), **context})
    origin = Conversation.Origin.TEMPORARY if request.POST.get("temporary") else Conversation.Origin.CHAT
    return sent(request, _start(request, _new(request, gpt, origin, _project(request))))


def _new(request: HttpRequest, gpt: Gpt, origin: str, project: Project | None = None) -> Conversation:
    user = cast(User, request.user)
    return services.start_conversation(user, gpt, origin, project, posted_inputs(request, gpt, origin))


def posted_inputs(request: HttpRequest, gpt: Gpt, origin: str = Conversation.Origin.CHAT) -> dict[str, Any]:
    """The posted values of the inputs that a new conversation of this origin has."""
    spec = gpt.draft_spec() if origin == Conversation.Origin.PREVIEW else gpt.live
    return sent_inputs(spec, request.POST) if isinstance(spec, GptSpec) else {}


def _project(request: HttpRequest) -> Project | None:
    """The project in which a new chat is to be. Raises Http404."""
    try:
        wanted = UUID(request.GET["project"]) if "project" in request.GET else None
    except ValueError:
        raise Http404(gettext("Project not found.")) from None
    return projects.access(request.user, wanted) if wanted else None


@require_POST
@for_people_signed_in
def start_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """The first message of a preview chat with one's own draft, as it is now. Previews are not kept."""
    gpt = access_draft(request.user, slug)
    return new_turn(request, _new(request, gpt, Conversation.Origin.PREVIEW))


def new_turn(request: HttpRequest, conversation: Conversation) -> JsonResponse:
    """The posted message as the next turn of a conversation without a page, for a script. Raises Refused."""
    return _as_json(request, _start(request, conversation))


def _start(request: HttpRequest, conversation: Conversation) -> Run:
    """A run for the posted text and attachments. Raises Refused."""
    return services.start_run(conversation, **_message_in(request))


def _message_in(request: HttpRequest) -> dict[str, Any]:
    return {
        # A starter's button is sent along with the field for messages, which is then empty.
        "text": next(filter(None, request.POST.getlist("text")), ""),
        "attachments": ids_in(request),
        "mention": request.POST.get("mention", ""),
        "stay": request.POST.get("stay") == "true",
    }


def ids_in(request: HttpRequest) -> list[UUID]:
    """The posted ids of files. Raises Refused."""
    try:
        return [UUID(id) for id in request.POST.getlist("attachments")]
    except ValueError:
        raise Refused(gettext("An attached file is no longer available. Attach it again, then send.")) from None


@require_POST
@for_people_signed_in
def send(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The next message of a conversation. With `queue` it waits if an answer is in progress."""
    conversation = access_conversation(request.user, conversation_id)
    check_access(request, conversation)
    try:
        return sent(request, _start(request, conversation))
    except StillAnswering:
        if request.POST.get("queue") != "true" or not conversation.is_chat:
            raise
    queued.add(conversation, **_message_in(request))
    return changed(request, conversation)


@require_POST
@for_people_signed_in
def regenerate(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Another answer to a message of a conversation: that of the posted run, or the last one shown."""
    conversation = access_conversation(request.user, conversation_id)
    check_access(request, conversation)
    return sent(request, services.regenerate(answered_by(conversation, request.POST.get("run", ""))))


def check_access(request: HttpRequest, conversation: Conversation) -> None:
    """Raises NoAccess with the reason, Http404 for a child run's conversation."""
    if conversation.origin == Conversation.Origin.DELEGATION:
        raise Http404(gettext("Chat not found."))
    if reason := why_read_only(request.user, conversation):
        raise NoAccess(reason)


def _page(conversation: Conversation) -> str:
    if conversation.origin == Conversation.Origin.BUILDER:
        return f"{reverse('gpt_edit', args=[conversation.gpt.slug])}?tab=create"
    return reverse("chat", args=[conversation.id])


def sent(request: HttpRequest, run: Run) -> HttpResponse:
    """The new turn for the page's script, or its page."""
    return _as_json(request, run) if wants_json(request) else redirect(_page(run.message.conversation))


def _as_json(request: HttpRequest, run: Run) -> JsonResponse:
    """The new turn and its conversation, for the page's script."""
    conversation = run.message.conversation
    turn = turn_of(run)
    context = {"turn": turn, "conversation": conversation, "gpt": conversation.gpt}
    return JsonResponse(
        {
            "conversation": str(conversation.id),
            "run": str(run.id),
            "url": _page(conversation),
            "send": reverse("chat_send", args=[conversation.id]),
            "title": conversation.title,
            "turn": render_to_string("chat/turn.html", context, request),
            "guest": render_to_string("chat/guest.html", {"guest": guest_of(conversation), **context}, request),
        }
    )


def changed(request: HttpRequest, conversation: Conversation, text: str = "") -> HttpResponse:
    """The messages that wait now, for the page's script, or the page. `text` is that of one that was withdrawn."""
    if not wants_json(request):
        return redirect(_page(conversation))
    context = {"conversation": conversation, "queued": conversation.queued.all()}
    return JsonResponse({"queue": render_to_string("chat/queue.html", context, request), "text": text})


@require_POST
@for_people_signed_in
def rename(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Rename a chat."""
    conversation = access_conversation(request.user, conversation_id)
    services.rename_conversation(conversation, request.POST.get("title", ""))
    return JsonResponse({"title": conversation.title}) if wants_json(request) else redirect(_page(conversation))


@require_POST
@for_people_signed_in
def mark(request: HttpRequest, conversation_id: UUID, name: Literal["pinned", "archived"]) -> HttpResponse:
    """Pin or archive a chat, or with `off` no longer."""
    conversation = access_conversation(request.user, conversation_id)
    is_set = not request.POST.get("off")
    services.mark_conversation(conversation, name, is_set)
    return JsonResponse({name: is_set}) if wants_json(request) else redirect("chats")


@require_POST
@for_people_signed_in
def delete(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Delete a chat, and stop answers in progress."""
    delete_conversation(access_conversation(request.user, conversation_id))
    if wants_json(request):
        return JsonResponse({"deleted": True})
    messages.success(request, gettext("Chat deleted."))
    return redirect("chats")


@never_cache
@require_safe
@for_people_signed_in
def mentionable_gpts(request: HttpRequest) -> JsonResponse:
    """The GPTs that match `q` and that the person may mention, as JSON."""
    found = mentionable(cast(User, request.user), request.GET.get("q", ""), N_LISTED + 1)
    return JsonResponse({"gpts": [_option(gpt) for gpt in found[:N_LISTED]], "more": len(found) > N_LISTED})


def _option(gpt: Gpt) -> dict[str, str]:
    assert gpt.published
    spec = gpt.published.spec()
    facts = {"slug": gpt.slug, "name": spec.name, "description": spec.description}
    return {**facts, "creator": gpt.owner.shown_name, "face": face(gpt, "xs")}


@require_POST
@for_people_signed_in
def dismiss(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Dismiss the guest, so that the chat's own GPT answers again."""
    conversation = access_conversation(request.user, conversation_id)
    services.dismiss_guest(conversation)
    return JsonResponse({"guest": ""}) if wants_json(request) else redirect(_page(conversation))
