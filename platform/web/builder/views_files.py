"""Knowledge files of the form: one upload a request, statuses to poll, remove and retry."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST

from web.builder import services
from web.builder.models import Gpt, KnowledgeFile
from web.builder.views import state, wants_json


@login_required
@require_http_methods(["GET", "POST"])
def files(request: HttpRequest, slug: str) -> JsonResponse:
    """GET: where every file of the draft stands. POST: add the one file in the request."""
    gpt = services.access_own_gpt(request.user, slug)
    if request.method == "GET":
        rows = [described(file) for file in gpt.files.filter(removed=None)]
        return JsonResponse({"files": rows, **state(gpt)})
    upload = request.FILES.get("file")
    if upload is None:
        return JsonResponse({"error": "The request held no file. Choose one and try again."}, status=400)
    known = set(gpt.files.filter(removed=None).values_list("id", flat=True))
    try:
        file = services.add_file(gpt, upload.name or "file", upload.chunks())
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    return JsonResponse({"file": described(file), "known": file.id in known, **state(gpt)}, status=201)


def described(file: KnowledgeFile) -> dict[str, Any]:
    """A file as JSON, with its row of the page."""
    names = ("name", "size", "status", "n_done", "n_chunks", "n_pages", "n_tokens", "error")
    html = render_to_string("builder/parts/file.html", {"file": file, "gpt": file.gpt})
    return {"id": file.id, "html": html, **{name: getattr(file, name) for name in names}}


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, file_id: UUID) -> HttpResponse:
    """Take a file out of the draft."""
    gpt, file = access_own_file(request, slug, file_id)
    services.remove_file(file)
    gpt.refresh_from_db()
    if wants_json(request):
        return JsonResponse(state(gpt))
    messages.success(request, f"{file.name} is removed from the draft.")
    return redirect("gpt_edit", slug)


@login_required
@require_POST
def retry(request: HttpRequest, slug: str, file_id: UUID) -> HttpResponse:
    """Read a failed file once more."""
    gpt, file = access_own_file(request, slug, file_id)
    services.retry_file(file)
    file.refresh_from_db()
    if wants_json(request):
        return JsonResponse({"file": described(file), **state(gpt)})
    return redirect("gpt_edit", slug)


def access_own_file(request: HttpRequest, slug: str, file_id: UUID) -> tuple[Gpt, KnowledgeFile]:
    """A file in the draft of a GPT that the person may edit. Raises Http404 for any other."""
    gpt = services.access_own_gpt(request.user, slug)
    file = gpt.files.filter(id=file_id, removed=None).first()
    if file is None:
        raise Http404(f"{gpt.name} has no such file.")
    return gpt, file
