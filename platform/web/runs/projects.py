"""Projects: folders of a person's chats, with wishes and files of their own that each chat in them gets."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext

from gpts.runs.background import Background
from gpts.runs.steps import FileRef
from gpts.safety.invisible_characters import visible
from web.accounts import quotas
from web.accounts.models import User
from web.builder.files import cancel_reading
from web.languages import too_long
from web.runs import files
from web.runs.errors import Refused, StillReading
from web.runs.models import Conversation, ConversationFile
from web.runs.models_chats import Project

NAME_CHARS: Final = 80
WISHES_CHARS: Final = 4_000
MAX_FILES: Final = 20
MAX_PROJECTS: Final = 200


def of(user: User) -> "QuerySet[Project]":
    """The projects of `user`, by name, each with the number of its chats as `n_chats`."""
    chats = Count("conversations", filter=Q(conversations__deleted=None))
    return Project.objects.filter(owner=user).annotate(n_chats=chats).order_by("name", "created")


def access(user: Any, project_id: UUID) -> Project:
    """A project of `user`'s own: the only way to fetch one on a person's behalf. Raises Http404."""
    project = Project.objects.filter(owner=user, id=project_id).first() if user.is_authenticated else None
    if project is None:
        raise Http404(gettext("Project not found."))
    return project


def create(user: User, name: str, wishes: str = "") -> Project:
    """A new project. Raises Refused."""
    with transaction.atomic():
        quotas.lock(user.id)
        if Project.objects.filter(owner=user).count() >= MAX_PROJECTS:
            raise Refused(
                gettext("You have {max_projects} projects. Delete one first.").format(max_projects=MAX_PROJECTS)
            )
        return change(Project(owner=user), name, wishes)


def change(project: Project, name: str, wishes: str) -> Project:
    """Set its name and what its chats are to do. Raises Refused."""
    name, wishes = " ".join(visible(name).split()), visible(wishes).strip()
    if not name:
        raise Refused(gettext("Enter a name."))
    for text, most in ((name, NAME_CHARS), (wishes, WISHES_CHARS)):
        if len(text) > most:
            raise Refused(too_long(text, most))
    project.name, project.wishes = name, wishes
    project.save()
    return project


def delete(project: Project) -> None:
    """Delete the project and its files. Its chats stay, with what they already have of it."""
    cancel_reading(project.files.all())
    project.delete()


def move(conversation: Conversation, project: Project | None) -> None:
    """Put a chat into a project, or take it out. Both must come from `access…`."""
    conversation.project = project
    conversation.save(update_fields=["project"])


def kept_files(project: Project) -> "QuerySet[ConversationFile]":
    """Its files, oldest first."""
    return project.files.filter(removed=None).order_by("created")


def add_file(project: Project, name: str, chunks: Iterable[bytes]) -> ConversationFile:
    """The stored file, queued for reading. Raises Refused and OverQuota."""
    if kept_files(project).count() >= MAX_FILES:
        raise Refused(gettext("A project can have {max_files} files. Remove one first.").format(max_files=MAX_FILES))
    file = files.attach(project.owner, name, chunks, project)
    return kept_files(project).filter(sha256=file.sha256, name=file.name).first() or file


def remove_file(project: Project, file_id: UUID) -> None:
    """Delete a file of the project. Chats that already have it keep it. Raises Http404."""
    found = project.files.filter(id=file_id)
    cancel_reading(found)
    if not found.delete()[0]:
        raise Http404(gettext("File not found."))


def with_project(background: Background, conversation: Conversation) -> Background:
    """`background` with what the conversation's project wants."""
    project = conversation.project
    facts = {"project": project.name, "wishes": project.wishes} if project else {}
    return background.model_copy(update=facts)


def files_for(conversation: Conversation) -> tuple[FileRef, ...]:
    """Copies of the project's files in the conversation. Raises StillReading while one is being read."""
    project = conversation.project
    own = list(kept_files(project)) if project else []
    for file in own:
        if file.reading == "reading":
            raise StillReading(
                gettext("“{name}” of the project “{project}” is still being read. Send again soon.").format(
                    name=file.name, project=file.project
                )
            )
    usable = [file for file in own if file.reading == "ready" and (file.segment or file.mime in files.PICTURES)]
    copies = conversation.files.filter(run=None) if usable else ()
    known = {(copy.sha256, copy.name): copy.ref() for copy in copies}
    return tuple(
        known.get((file.sha256, file.name)) or files.pass_on([file.ref()], conversation)[0] for file in usable
    )
