"""Says on pages which model answers, and what a starter model cannot do."""

from typing import Any

from django import template
from django.template.context import RequestContext

from web.operate.services import current_model
from web.operate.services import model_sees as current_model_sees

register = template.Library()


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
