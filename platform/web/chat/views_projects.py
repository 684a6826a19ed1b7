"""The pages of projects: all of a person's, and one with its wishes, files and chats."""

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.attempts import attempt
from web.chat.views import grouped
from web.runs import mentions, projects
from web.runs.access import access_chat
from web.runs.errors import Refused
from web.runs.models import Conversation

N_CHATS = 500


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_projects(request: PersonRequest) -> HttpResponse:
    """All projects of the person, and a new one for a posted name."""
    if request.method == "POST":
        try:
            return redirect("project", projects.create(request.user, request.POST.get("name", "")).id)
        except Refused as error:
            messages.error(request, str(error))
    return render(request, "chat/projects.html", {"projects": projects.of(request.user), **_LIMITS})


@never_cache
@login_required
@require_safe
def project(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """One project, with the GPTs that a chat in it can be started with."""
    own = projects.access(request.user, project_id)
    chats = Conversation.objects.chats_of(request.user, "", archived=None).filter(project=own)
    files = list(projects.kept_files(own))
    context = {
        "project": own,
        "files": files,
        "is_reading": any(file.reading == "reading" for file in files),
        "groups": grouped(chats.select_related("gpt__published").order_by("-changed")[:N_CHATS]),
        "gpts": mentions.mentionable(request.user),
        **_LIMITS,
    }
    return render(request, "chat/project.html", context)


_LIMITS = {"name_chars": projects.NAME_CHARS, "wishes_chars": projects.WISHES_CHARS, "most_files": projects.MAX_FILES}


@login_required
@require_POST
def change_project(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Set a project's name and wishes, or delete it."""
    own, posted = projects.access(request.user, project_id), request.POST
    if posted.get("action") == "delete":
        projects.delete(own)
        messages.success(request, gettext("Project deleted. Its chats are kept."))
        return redirect("projects")
    change = partial(projects.change, own, posted.get("name", ""), posted.get("wishes", ""))
    attempt(request, change, gettext("Saved."), Refused)
    return redirect("project", project_id)


@login_required
@require_POST
def add_file(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Add a posted file to a project."""
    own, upload = projects.access(request.user, project_id), request.FILES.get("file")
    if upload is None or isinstance(upload, list):
        messages.error(request, gettext("Choose a file."))
        return redirect("project", project_id)
    attempt(request, partial(projects.add_file, own, upload.name or "file", upload.chunks()), refusal=Refused)
    return redirect("project", project_id)


@login_required
@require_POST
def remove_file(request: PersonRequest, project_id: UUID, file_id: UUID) -> HttpResponse:
    """Take a file out of a project."""
    projects.remove_file(projects.access(request.user, project_id), file_id)
    return redirect("project", project_id)


@login_required
@require_POST
def move(request: PersonRequest, conversation_id: UUID) -> HttpResponse:
    """Put a chat into the posted project, or into none."""
    chat, wanted = access_chat(request.user, conversation_id), request.POST.get("project", "")
    try:
        projects.move(chat, projects.access(request.user, UUID(wanted)) if wanted else None)
    except ValueError:
        messages.error(request, gettext("Choose a project."))
    return redirect("chat", conversation_id)
