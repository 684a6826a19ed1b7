"""Knowledge files in the form: one upload per request, statuses to poll, and what can be done with each file."""

from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from web.accounts.models import User
from web.accounts.requests import PersonRequest
from web.builder import files, passages
from web.builder.knowledge import reading
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.views import View, of_draft, state, state_response, wants_json
from web.rpc import NoResult

# Instead of a finding's id: all findings without a decision.
ALL_UNDECIDED = "every"


def of_own_file(view: View) -> View:
    """`view(request, gpt, file)` for a POST to a URL with slug and `file_id`. 404 unless they may edit it."""

    @require_POST
    @of_draft
    @wraps(view)
    def checked(request: HttpRequest, gpt: Gpt, file_id: UUID) -> HttpResponse:
        return view(request, gpt, files.access_file(gpt, file_id))

    return checked


@require_http_methods(["GET", "POST"])
@of_draft
def draft_files(request: HttpRequest, gpt: Gpt) -> JsonResponse:
    """GET: the status of every file in the draft. POST: add the uploaded file."""
    if request.method == "GET":
        rows = [file_payload(file) for file in gpt.listed_files.select_related("replaces")]
        return JsonResponse({"files": rows, **state(gpt, cast(User, request.user))})
    known = set(gpt.uploads.values_list("id", flat=True))
    try:
        upload = uploaded(request)
        file = files.add_file(gpt, upload.name or "file", upload.chunks())
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    return created(request, gpt, file, file.id in known)


def created(request: HttpRequest, gpt: Gpt, file: KnowledgeFile, is_known: bool) -> JsonResponse:
    """The response to an upload. `is_known`: the draft already had this file."""
    gpt.refresh_from_db()
    return JsonResponse(
        {"file": file_payload(file), "known": is_known, **state(gpt, cast(User, request.user))}, status=201
    )


def uploaded(request: HttpRequest) -> "UploadedFile[Any]":
    """The uploaded file. Raises ValidationError."""
    upload = request.FILES.get("file")
    if not isinstance(upload, UploadedFile):
        raise ValidationError(gettext("No file selected. Choose one and try again."))
    return upload


def file_payload(file: KnowledgeFile) -> dict[str, Any]:
    """A file for JSON, with its row of the page as HTML."""
    names = ("name", "size", "status", "n_read", "n_done", "n_chunks", "n_pages", "n_tokens", "error", "seconds_left")
    html = render_to_string("builder/parts/file.html", {"reading": reading(file), "gpt": file.gpt})
    return {"id": file.id, "html": html, **{name: getattr(file, name) for name in names}}


@of_own_file
def remove(request: HttpRequest, gpt: Gpt, file: KnowledgeFile) -> HttpResponse:
    """Remove a file from the draft."""
    files.remove_file(file)
    gpt.refresh_from_db()
    if not wants_json(request):
        messages.success(request, gettext("{name} removed from the draft.").format(name=file.name))
    return state_response(request, gpt)


@of_own_file
def retry(request: HttpRequest, gpt: Gpt, file: KnowledgeFile) -> HttpResponse:
    """Read a failed or cancelled file again."""
    files.retry_file(file)
    return file_response(request, gpt, file)


@of_own_file
def cancel(request: HttpRequest, gpt: Gpt, file: KnowledgeFile) -> HttpResponse:
    """Stop reading a file."""
    files.cancel_file(file)
    return file_response(request, gpt, file)


@of_own_file
def replace(request: HttpRequest, gpt: Gpt, file: KnowledgeFile) -> HttpResponse:
    """Upload a file that replaces another once it is ready."""
    try:
        upload = uploaded(request)
        replacement = files.replace_file(file, upload.name or "file", upload.chunks())
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    return created(request, gpt, replacement, is_known=False)


@of_own_file
def decide(request: HttpRequest, gpt: Gpt, file: KnowledgeFile) -> HttpResponse:
    """Drop or accept findings in a file: `drop` and `accept` hold their ids, or ALL_UNDECIDED."""
    try:
        files.decide(file, choices(file, request.POST))
    except ValidationError as error:
        if wants_json(request):
            return JsonResponse({"error": " ".join(error.messages)}, status=400)
        messages.error(request, " ".join(error.messages))
    return file_response(request, gpt, file)


@require_safe
@of_draft
def file_passages(request: PersonRequest, gpt: Gpt, file_id: UUID) -> JsonResponse:
    """The file's passages from number `start` on, as HTML for the page."""
    file = files.access_file(gpt, file_id)
    start = request.GET.get("start", "0")
    try:
        found = passages.passages(file, request.user, int(start) if start.isdecimal() and len(start) < 9 else 0)
    except NoResult as error:
        return JsonResponse({"error": str(error)}, status=503)
    return JsonResponse(
        {"html": render_to_string("builder/parts/passages.html", {"gpt": gpt, "file": file, **found})}
    )


@of_own_file
def correct(request: HttpRequest, gpt: Gpt, file: KnowledgeFile) -> HttpResponse:
    """Correct, pin, drop or restore a passage, or add what it is also asked as, one question a line."""
    asked = [line.strip() for line in request.POST.get("also_asked", "").splitlines() if line.strip()]
    fields = {name: request.POST.get(name, "") for name in ("original", "text")}
    marks = {name: request.POST.get(name) == "yes" for name in ("dropped", "pinned")}
    try:
        passages.correct(file, {**fields, **marks, "also_asked": asked})
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    return file_response(request, gpt, file)


def choices(file: KnowledgeFile, sent: QueryDict) -> dict[str, str]:
    """The choice in the form for each finding, by its id."""
    undecided = file.undecided
    made: dict[str, str] = {}
    for choice in files.CHOICES:
        for finding_id in sent.getlist(choice):
            made |= dict.fromkeys(undecided if finding_id == ALL_UNDECIDED else [finding_id], choice)
    return made


def file_response(request: HttpRequest, gpt: Gpt, file: KnowledgeFile) -> HttpResponse:
    """The file's status for the page's script, else back to the form."""
    if not wants_json(request):
        return redirect("gpt_edit", gpt.slug)
    file.refresh_from_db()
    gpt.refresh_from_db()
    return JsonResponse({"file": file_payload(file), **state(gpt, cast(User, request.user))})
