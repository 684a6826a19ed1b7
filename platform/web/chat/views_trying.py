"""Two previews side by side: two versions of a GPT, or two models, asked the same."""

from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gpts.spec.gpt import GptSpec
from web.accounts.models import User
from web.builder.access import access_draft
from web.builder.models import Gpt, GptVersion
from web.builder.models_files import KnowledgeFile
from web.builder.services import engines_for
from web.builder.versions import version_to_try
from web.chat.views_send import for_people_signed_in, new_turn
from web.engines import DEFAULT, answering, title_of
from web.runs.inputs_of import sent_inputs
from web.runs.models import Conversation
from web.runs.services import start_conversation

# Of a side of the page, for the names of its fields and the ids of its elements.
SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class Side:
    """A half of the page, with the version and the model that it talks to as in the address: empty for its own."""

    part: str
    version: str
    engine: str
    spec: GptSpec
    start_url: str

    @property
    def label(self) -> str:
        """Which side it is, for people."""
        return gettext("Left") if self.part == SIDES[0] else gettext("Right")


@never_cache
@require_safe
@for_people_signed_in
def try_out(request: HttpRequest, slug: str) -> HttpResponse:
    """The page. By default the draft is beside the live version."""
    gpt = access_draft(request.user, slug)
    live = str(gpt.published.number) if gpt.published else ""
    user = cast(User, request.user)
    sides = [_side(request, gpt, part, live if part == "right" else "") for part in SIDES]
    names = {name: title_of(name) for name in engines_for(gpt.owner, by=user)}
    context = {"gpt": gpt, "sides": sides, "engines": names if len(names) > 1 else {}}
    context["numbers"] = gpt.versions.filter(number__isnull=False).values_list("number", flat=True)
    context["same_model"] = len({answering(side.spec.model.engine) for side in sides}) == 1
    context["pending"] = gpt.files.filter(removed=None).exclude(status__in=KnowledgeFile.SETTLED)
    return render(request, "chat/try.html", context)


def _side(request: HttpRequest, gpt: Gpt, part: str, version: str) -> Side:
    version = request.GET.get(f"{part}_version", version)
    engine = request.GET.get(f"{part}_engine", "")
    spec = _version(cast(User, request.user), gpt, version, engine).spec()
    chosen = urlencode({"version": version, "engine": engine})
    return Side(part, version, engine, spec, f"{reverse('preview_try_start', args=[gpt.slug])}?{chosen}")


def _version(user: User, gpt: Gpt, version: str, engine: str) -> GptVersion:
    """The version with this number, or the draft, with its own model or this one. Raises Http404."""
    if version and not version.isdecimal():
        raise Http404("There is no such version.")
    try:
        return version_to_try(gpt, int(version) if version else None, _engine(engine), by=user)
    except ValidationError:
        raise Http404("There is no such model.") from None


def _engine(name: str) -> str | None:
    return None if not name else "" if name == DEFAULT else name


@require_POST
@for_people_signed_in
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """The first message to a side. Such chats are not kept, as other previews."""
    gpt = access_draft(request.user, slug)
    user = cast(User, request.user)
    version = _version(user, gpt, request.GET.get("version", ""), request.GET.get("engine", ""))
    inputs = sent_inputs(version.spec(), request.POST)
    origin = Conversation.Origin.PREVIEW
    return new_turn(request, start_conversation(user, gpt, origin, inputs=inputs, version=version))
