"""Says on pages which model answers, what a starter model cannot do, and to operators which better one fits."""

from typing import Any

from django import template
from django.conf import settings
from django.template.context import RequestContext

from gpts.spec.base_models import gigabytes
from web.engines import offered, title_of
from web.operate.listing import DISMISSED, offered_model
from web.operate.services import current_model
from web.operate.services import model_sees as sees

register = template.Library()
register.filter("gigabytes", gigabytes)


@register.inclusion_tag("operate/notice.html", takes_context=True)
def model_notice(context: RequestContext, engine: str = "", has_turns: bool = False) -> dict[str, Any]:
    """The line on the model called `engine`, or the site's if the GPT may not use it; empty until it is known.

    What a starter model cannot do is said before a chat's first message only.
    """
    if engine and engine in offered(settings.ENGINES, context["gpt"].owner):
        return {"title": title_of(engine)}
    record = current_model()
    is_starter = record is not None and record.known().get("writes_from_sources") is False
    if is_starter and has_turns:
        return {}
    # Without a request, the part of the builder's page is for the GPT's owner.
    user = context["request"].user if "request" in context else context["gpt"].owner
    return {
        "title": record.title if record else "",
        "is_starter": is_starter,
        "is_operator": getattr(user, "is_staff", False),
    }


@register.simple_tag
def model_sees(engine: str = "") -> bool:
    """Whether the model called `engine`, or the site's, looks at attached pictures."""
    return sees(engine)


@register.inclusion_tag("operate/offer.html", takes_context=True)
def model_offer(context: RequestContext) -> dict[str, Any]:
    """For operators of a site with the bundled model: a better one that fits its machine, until they dismiss it."""
    request = context.get("request")
    if request is None or not getattr(request.user, "is_staff", False):
        return {}
    row = offered_model()
    is_dismissed = row is not None and request.session.get(DISMISSED) == row.name
    return {"row": None if is_dismissed else row, "csrf_token": context.get("csrf_token")}
