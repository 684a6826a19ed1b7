"""Says on pages which model answers, what a starter model cannot do, and to operators which better one fits."""

from typing import Any

from django import template
from django.template.context import RequestContext

from gpts.spec.base_models import gigabytes
from web.operate.listing import DISMISSED, offered_model
from web.operate.services import current_model
from web.operate.services import model_sees as current_model_sees

register = template.Library()
register.filter("gigabytes", gigabytes)


@register.inclusion_tag("operate/notice.html", takes_context=True)
def model_notice(context: RequestContext) -> dict[str, Any]:
    """The line on the site's model; empty until a worker has loaded one."""
    record = current_model()
    user = getattr(context.get("request"), "user", None)
    return {
        "record": record,
        "is_starter": record is not None and record.known().get("writes_from_sources") is False,
        "is_operator": getattr(user, "is_staff", False),
    }


@register.simple_tag
def model_sees() -> bool:
    """Whether the site's model looks at attached pictures."""
    return current_model_sees()


@register.inclusion_tag("operate/offer.html", takes_context=True)
def model_offer(context: RequestContext) -> dict[str, Any]:
    """For operators of a site with the bundled model: a better one that fits its machine, until they dismiss it."""
    request = context.get("request")
    if request is None or not getattr(request.user, "is_staff", False):
        return {}
    row = offered_model()
    is_dismissed = row is not None and request.session.get(DISMISSED) == row.name
    return {"row": None if is_dismissed else row, "csrf_token": context.get("csrf_token")}
