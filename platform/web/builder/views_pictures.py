"""The picture of a GPT: set, made from a text, and sent."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.builder import services
from web.builder.models import Gpt
from web.builder.pictures import generated_picture, store_picture
from web.builder.views import of_draft, state_response, wants_json
from web.rpc import NoResult


@require_POST
@of_draft
def edit_picture(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """Replace the picture of a GPT, or remove it if none was sent."""
    upload = request.FILES.get("picture")
    return _set_picture(request, gpt, lambda: store_picture(upload, request.user) if upload else "")


@require_POST
@of_draft
def generate_picture(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """Let a worker make the picture of a GPT from `prompt`, or from its name and description if that is empty."""
    return _set_picture(request, gpt, lambda: generated_picture(gpt, request.POST.get("prompt", ""), request.user))


def _set_picture(request: PersonRequest, gpt: Gpt, make: Callable[[], str]) -> HttpResponse:
    try:
        services.update_gpt(gpt, {"picture": make()}, by=request.user)
    except (ValidationError, NoResult) as error:
        texts = error.messages if isinstance(error, ValidationError) else [str(error)]
        if wants_json(request):
            return JsonResponse({"errors": {"picture": texts}}, status=400)
        messages.error(request, " ".join(texts))
    return state_response(request, gpt)


@require_safe
def picture(request: HttpRequest, gpt_id: UUID, name: str) -> FileResponse:
    """The picture of a GPT, for people who may see it or have chatted with it. Its name changes with its content."""
    seen = Gpt.objects.chattable_by(request.user).filter(id=gpt_id, picture=name).exists()
    if not seen and request.user.is_authenticated:
        seen = Gpt.objects.filter(Q(conversations__owner=request.user), id=gpt_id, picture=name).exists()
    if not seen:
        raise Http404("Picture not found.")
    response = picture_response(name)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@require_safe
def logo(request: HttpRequest, name: str) -> FileResponse:
    """The site's logo, for everybody. Its name changes with its content."""
    if name != settings.SITE_LOGO:
        raise Http404("Picture not found.")
    response = picture_response(name)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def picture_response(name: str) -> FileResponse:
    """The kept picture called `name`. Raises Http404."""
    path = settings.MEDIA_ROOT / name
    if not name or not path.is_file():
        raise Http404("Picture not found.")
    headers = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path.open("rb"), content_type="image/webp", headers=headers)
