"""A GPT's chat on other sites: the script that shows it there, and the chat itself, also as a page of its own."""

import json
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gpts.spec.embedding import ink_on
from web.builder import widgets
from web.builder.models_widgets import Widget, WidgetVisitor
from web.builder.views import wants_json
from web.chat.turns import turns
from web.chat.views import N_TURNS
from web.chat.views_send import MAX_PREFILL, new_turn, posted_inputs
from web.embed.middleware import COOKIE, visitor_of, widget_of
from web.runs.branches import Branches
from web.runs.errors import Refused
from web.runs.models import Conversation
from web.runs.services import start_conversation

# Of the script on other sites' pages: how old it may be after a change.
LOADER_S: Final = 300
_APART: Final = "SameSite=None; Secure; Partitioned"
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


@require_safe
def loader(request: HttpRequest, key: str) -> HttpResponse:
    """The script that puts the widget on a page of another site."""
    widget = widgets.live_widget(key)
    if widget is None:
        raise Http404(gettext("There is no such chat."))
    spec = widget.gpt.live
    own = {
        "page": f"{settings.SITE_URL}/embed/{widget.key}/",
        "title": gettext("Chat with {name}").format(name=spec.name),
        "label": widget.label,
    }
    looks = {"colour": widget.colour, "ink": ink_on(widget.colour), "side": widget.side, "theme": widget.theme}
    # In a string of JavaScript, JSON may hold no line separators, which `dumps` escapes; nothing else ends it.
    text = _loader_text().replace("WIDGET_SETTINGS", json.dumps(own | looks))
    headers = {"Cache-Control": f"public, max-age={LOADER_S}", "Cross-Origin-Resource-Policy": "cross-origin"}
    return HttpResponse(text, content_type="text/javascript; charset=utf-8", headers=headers)


@cache
def _loader_text() -> str:
    path = finders.find("embed/loader.js")
    assert isinstance(path, str)
    with open(path, encoding="utf-8") as file:
        return file.read()


def _widget(request: HttpRequest) -> Widget:
    """The widget of a request below one. Raises Http404 for the same address on the site itself."""
    widget = widget_of(request)
    if widget is None:
        raise Http404(gettext("There is no such page."))
    return widget


@never_cache
@require_safe
def visit(request: HttpRequest) -> HttpResponse:
    """The visitor's last chat, or a new one with `new`. Nothing is kept before their first message."""
    widget, visitor = _widget(request), _who_is_there(request)
    chat = _last_chat(visitor) if visitor and "new" not in request.GET else None
    shown = []
    if chat:
        branches = Branches(chat)
        shown = turns(chat, branches, branches.up_to(branches.shown)[-N_TURNS:])
    version = chat.version if chat else widget.gpt.published
    assert version
    context = {"gpt": widget.gpt, "spec": version.spec(), "widget": widget, "conversation": chat, "turns": shown}
    context |= {"start_url": _address("visit_start", request), "is_signed": "signed" in request.GET}
    context["text"] = request.GET.get("text", "")[:MAX_PREFILL]
    context["must_sign"] = widget.only_signed and not (visitor and visitor.subject)
    return render(request, "embed/visit.html", context)


def _who_is_there(request: HttpRequest) -> WidgetVisitor | None:
    """The browser's visitor; None if the other site named that one earlier, but nobody now."""
    visitor = visitor_of(request)
    return None if visitor and visitor.subject and "signed" not in request.GET else visitor


def _address(name: str, request: HttpRequest) -> str:
    """The address of a page of the chat, for whoever the other site named, if it did."""
    return reverse(name) + ("?signed" if "signed" in request.GET else "")


def _last_chat(visitor: WidgetVisitor) -> Conversation | None:
    chats = Conversation.objects.visible_to(visitor.user).filter(origin=Conversation.Origin.WIDGET)
    return chats.select_related("gpt__owner", "version").order_by("-changed").first()


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """The first message of a chat. It makes the visitor, if the browser is nobody's yet."""
    widget, visitor = _widget(request), _who_is_there(request)
    if widget.only_signed and not (visitor and visitor.subject):
        return JsonResponse({"error": gettext("Sign in on this site to chat.")}, status=403)
    if not request.POST.get("text", "").strip():
        return JsonResponse({"error": gettext("Enter a message.")}, status=400)
    person = visitor or widgets.new_visitor(widget)
    request.user = person.user
    try:
        values = posted_inputs(request, widget.gpt)
        turn = new_turn(
            request, start_conversation(person.user, widget.gpt, Conversation.Origin.WIDGET, inputs=values)
        )
    except Refused as error:
        return JsonResponse({"error": str(error)}, status=error.status)
    sent_by_script = wants_json(request)  # the form itself is sent before the page's script runs
    response = turn if sent_by_script else redirect(_address("visit", request))
    return response if visitor else _remember(response, person, widgets.VISITOR_S)


@require_POST
def identify(request: HttpRequest) -> HttpResponse:
    """Become the visitor whom the other site names by a token."""
    try:
        visitor, left_s = widgets.signed_visitor(_widget(request), request.POST.get("token", ""))
    except widgets.NotSigned as error:
        return JsonResponse({"error": str(error)}, status=403)
    now = visitor_of(request)
    return _remember(JsonResponse({"is_new": now is None or now.id != visitor.id}), visitor, left_s)


def _remember(response: HttpResponse, visitor: WidgetVisitor, seconds: int) -> HttpResponse:
    """Give the visitor's browser the cookie, which frames of other sites keep apart for each site around them."""
    path = get_script_prefix()
    own = urlsplit(settings.SITE_URL)
    cookie = f"{COOKIE}={widgets.cookie_of(visitor)}; Path={path}; Max-Age={seconds}; HttpOnly"
    # Django cannot set `Partitioned`. Without HTTPS, browsers keep no cookie for frames of other sites.
    is_safe = own.scheme == "https" or own.hostname in _LOCAL
    response.headers["Set-Cookie"] = f"{cookie}; {_APART if is_safe else 'SameSite=Lax'}"
    return response


@require_safe
def colours(request: HttpRequest) -> HttpResponse:
    """The widget's colour in place of the site's. A stylesheet, as the policy of pages refuses styles in them."""
    colour = _widget(request).colour
    rule = f":root {{ --own: {colour}; --own-ink: {ink_on(colour)}; }}\n"
    return HttpResponse(rule, content_type="text/css; charset=utf-8")
