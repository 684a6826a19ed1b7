"""The template tag of hints for what a person does for the first time."""

from typing import Any

from django import template
from django.template.context import RequestContext

from web.accounts.hints import Hint
from web.builder.models import Gpt
from web.runs.models import Conversation

register = template.Library()


@register.inclusion_tag("parts/hint.html", takes_context=True)
def hint(context: RequestContext, name: Hint) -> dict[str, Any]:
    """The hint of this name, for a person who has not dismissed it, has one GPT at most, or no chat."""
    request = context.get("request")
    user = getattr(request, "user", None)
    shown = bool(user and user.is_authenticated and name not in user.hints_seen)
    if shown and name == "creator":
        shown = Gpt.objects.owned_by(user).count() <= 1
    elif shown:
        shown = not Conversation.objects.chats_of(user, "", archived=None).exists()
    path = request.get_full_path() if request else ""
    return {"name": name, "shown": shown, "path": path, "csrf_token": context.get("csrf_token")}
