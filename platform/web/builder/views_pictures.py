"""Having the picture of a GPT drawn."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from web.builder import services
from web.builder.pictures import drawn_picture
from web.builder.views import state, wants_json


@login_required
@require_POST
def draw_picture(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a picture on a GPT that a worker draws from the words in `prompt`, or without any from what the GPT is."""
    gpt = services.access_own_gpt(request.user, slug)
    try:
        services.update_gpt(gpt, {"picture": drawn_picture(gpt, request.POST.get("prompt", ""))})
    except ValidationError as error:
        if wants_json(request):
            return JsonResponse({"errors": {"picture": error.messages}}, status=400)
        messages.error(request, " ".join(error.messages))
    return JsonResponse(state(gpt)) if wants_json(request) else redirect("gpt_edit", slug)
