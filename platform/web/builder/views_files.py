"""Knowledge files of the form: one upload a request, statuses to poll, and what can be done about each."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST

from web.builder import files, services
from web.builder.knowledge import reading
from web.builder.models import Gpt, KnowledgeFile
from web.builder.views import state, wants_json

# In the place of a finding's id: every finding that is not decided yet.
EVERY = "every"


@login_required
@require_http_methods(["GET", "POST"])
def draft_files(request: HttpRequest, slug: str) -> JsonResponse:
    """GET: where every file of the draft stands. POST: add the one file in the request."""
    gpt = services.access_own_gpt(request.user, slug)
    if request.method == "GET":
        rows = [described(file) for file in gpt.files.filter(removed=None).select_related("replaces")]
        return JsonResponse({"files": rows, **state(gpt)})
    known = set(gpt.files.filter(removed=None).values_list("id", flat=True))
    try:
        upload = uploaded(request)
        file = files.add_file(gpt, upload.name or "file", upload.chunks())
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    gpt.refresh_from_db()
    return JsonResponse({"file": described(file), "known": file.id in known, **state(gpt)}, status=201)


def uploaded(request: HttpRequest) -> "UploadedFile[Any]":
    """The file in the request. Raises ValidationError."""
    upload = request.FILES.get("file")
    if not isinstance(upload, UploadedFile):
        raise ValidationError("No file selected. Choose one and try again.")
    return upload


def described(file: KnowledgeFile) -> dict[str, Any]:
    """A file as JSON, with its row of the page."""
    names = ("name", "size", "status", "n_read", "n_done", "n_chunks", "n_pages", "n_tokens", "error", "seconds_left")
    html = render_to_string("builder/parts/file.html", {"reading": reading(file), "gpt": file.gpt})
    return {"id": file.id, "html": html, **{name: getattr(file, name) for name in names}}


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, file_id: UUID) -> HttpResponse:
    """Take a file out of the draft."""
    gpt, file = access_own_file(request, slug, file_id)
    files.remove_file(file)
    gpt.refresh_from_db()
    if wants_json(request):
        return JsonResponse(state(gpt))
    messages.success(request, f"{file.name} removed from the draft.")
    return redirect("gpt_edit", slug)


@login_required
@require_POST
def retry(request: HttpRequest, slug: str, file_id: UUID) -> HttpResponse:
    """Read a failed or cancelled file once more."""
    gpt, file = access_own_file(request, slug, file_id)
    files.retry_file(file)
    return told(request, gpt, file)


@login_required
@require_POST
def cancel(request: HttpRequest, slug: str, file_id: UUID) -> HttpResponse:
    """Stop reading a file."""
    gpt, file = access_own_file(request, slug, file_id)
    files.cancel_file(file)
    return told(request, gpt, file)


@login_required
@require_POST
def replace(request: HttpRequest, slug: str, file_id: UUID) -> HttpResponse:
    """Let the one file in the request take the place of another once it is ready."""
    gpt, old = access_own_file(request, slug, file_id)
    try:
        upload = uploaded(request)
        file = files.replace_file(old, upload.name or "file", upload.chunks())
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    gpt.refresh_from_db()
    return JsonResponse({"file": described(file), "known": False, **state(gpt)}, status=201)


@login_required
@require_POST
def decide(request: HttpRequest, slug: str, file_id: UUID) -> HttpResponse:
    """Drop or accept what was found in a file: `drop` and `accept` hold ids of findings, or "every"."""
    gpt, file = access_own_file(request, slug, file_id)
    try:
        files.decide(file, choices(file, request.POST))
    except ValidationError as error:
        if wants_json(request):
            return JsonResponse({"error": " ".join(error.messages)}, status=400)
        messages.error(request, " ".join(error.messages))
    return told(request, gpt, file)


def choices(file: KnowledgeFile, sent: QueryDict) -> dict[str, str]:
    """The choice for each finding that the form was sent with."""
    undecided = reading(file).undecided
    made: dict[str, str] = {}
    for choice in files.CHOICES:
        for finding_id in sent.getlist(choice):
            made |= dict.fromkeys(undecided if finding_id == EVERY else [finding_id], choice)
    return made


def told(request: HttpRequest, gpt: Gpt, file: KnowledgeFile) -> HttpResponse:
    """Where the file stands now, for the page's script or as the page."""
    if not wants_json(request):
        return redirect("gpt_edit", gpt.slug)
    file.refresh_from_db()
    gpt.refresh_from_db()
    return JsonResponse({"file": described(file), **state(gpt)})


def access_own_file(request: HttpRequest, slug: str, file_id: UUID) -> tuple[Gpt, KnowledgeFile]:
    """A file in the draft of a GPT that the person may edit. Raises Http404 for any other."""
    gpt = services.access_own_gpt(request.user, slug)
    file = gpt.files.filter(id=file_id, removed=None).select_related("replaces").first()
    if file is None:
        raise Http404(f"File not found in {gpt.name}.")
    return gpt, file
