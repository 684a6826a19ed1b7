"""Says on pages which model answers, what a starter model cannot do, and to operators which better one fits."""

from typing import Any

from django import template
from django.template.context import RequestContext

from gpts.knowledge.ranking import budget_for
from gpts.runs.state import fit_whole, whole_room
from gpts.spec.base_models import gigabytes
from gpts.spec.gpt import GptSpec, ModelSettings
from web.builder.models import Gpt
from web.engines import DEFAULT, answering, engines, offered, silence, title_of
from web.operate.listing import DISMISSED, offered_model
from web.operate.services import current_model
from web.operate.services import model_sees as sees
from web.runs.imported_chats import is_as_imported
from web.runs.model_facts import model_facts

register = template.Library()
register.filter("gigabytes", gigabytes)
register.simple_tag(silence)
register.simple_tag(title_of, name="model_title")


@register.inclusion_tag("operate/notice.html", takes_context=True)
def model_notice(context: RequestContext, engine: str = "", has_turns: bool = False) -> dict[str, Any]:
    """The line on the model called `engine`, or the site's if the GPT may not use it; empty until it is known.

    What a starter model cannot do is said before the first message of a chat only, also of an imported one.
    """
    name = answering(engine if engine in offered(context["gpt"].owner) else "")
    if name != DEFAULT:
        return {"title": title_of(name), "silence": silence(name)}
    record = current_model()
    is_starter = record is not None and record.known().get("writes_from_sources") is False
    if is_starter and has_turns and not is_as_imported(context.get("conversation")):
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


@register.inclusion_tag("operate/reading.html")
def reading_cost(gpt: Gpt) -> dict[str, Any]:
    """What the draft's files add to each message, in tokens and dollars; empty without files, or while nobody knows.

    `most`: how long files may be together to be read whole.
    """
    n_tokens = sum(gpt.files.filter(removed=None).exclude(segment="").values_list("n_tokens", flat=True))
    ability = model_facts(gpt.engine).ability
    if not (n_tokens and ability):
        return {}
    settings_of = ModelSettings(max_tokens=gpt.max_tokens)
    spec = GptSpec(slug=gpt.slug, name=gpt.name, instructions=gpt.instructions, model=settings_of)
    is_whole = fit_whole(n_tokens, spec, ability)
    given = n_tokens if is_whole else budget_for(ability.context_tokens)
    entry = engines().get(answering(gpt.engine))
    return {
        "is_whole": is_whole,
        "n_tokens": _about(given),
        "cost": entry.cost(given, 0) if entry else None,
        "most": _about(max(0, whole_room(spec, ability))) if ability.writes_from_sources else 0,
    }


def _about(n: int) -> int:
    """`n` with two digits that count."""
    return round(n, 2 - len(str(n)))


@register.inclusion_tag("operate/offer.html", takes_context=True)
def model_offer(context: RequestContext) -> dict[str, Any]:
    """For operators of a site with the bundled model: a better one that fits its machine, until they dismiss it."""
    request = context.get("request")
    if request is None or not getattr(request.user, "is_staff", False):
        return {}
    row = offered_model()
    is_dismissed = row is not None and request.session.get(DISMISSED) == row.name
    return {"row": None if is_dismissed else row, "csrf_token": context.get("csrf_token")}
