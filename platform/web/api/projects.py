"""`/api/projects`: folders of your chats, with wishes and files for each chat in them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import File as Upload
from ninja import Router, Schema, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, OWN_LISTED
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.api.runs import BUSY
from web.api.shapes_runs import AttachmentShape
from web.runs import projects
from web.runs.models import ConversationFile
from web.runs.models_chats import Project

router = Router(tags=["Chats"])
PROJECT = "/projects/{uuid:project_id}"
Name = Annotated[Text, Field(min_length=1, max_length=projects.NAME_CHARS)]
Wishes = Annotated[Text, Field(max_length=projects.WISHES_CHARS, description="What you want in all its chats.")]


class NewProject(RequestBody):
    """A project."""

    name: Name
    wishes: Wishes = ""


class ProjectChange(RequestBody):
    """What changes of a project."""

    name: Name | None = None
    wishes: Wishes | None = None


class ProjectShape(Schema):
    """A project. To start a chat in it, send its id with the first message; `PATCH` a conversation to move it."""

    id: UUID
    name: str
    wishes: str
    created: datetime
    changed: datetime


@router.get("/projects", response={200: list[ProjectShape], **OWN_LISTED})
@paginate(Pages)
def list_projects(request: HttpRequest) -> QuerySet[Project]:
    """Your projects, newest first."""
    return Project.objects.filter(owner=caller(request))


@router.post("/projects", response={201: ProjectShape, **INVALID})
def create_project(request: HttpRequest, new: NewProject) -> Status[Project]:
    """Make a project."""
    return Status(201, projects.create(caller(request), new.name, new.wishes))


@router.get(PROJECT, response={200: ProjectShape, **DENIED})
def read_project(request: HttpRequest, project_id: UUID) -> Project:
    """One project."""
    return projects.access(caller(request), project_id)


@router.patch(PROJECT, response={200: ProjectShape, **INVALID})
def change_project(request: HttpRequest, project_id: UUID, change: ProjectChange) -> Project:
    """Change what is given of a project."""
    project = projects.access(caller(request), project_id)
    name, wishes = change.name or project.name, change.wishes
    return projects.change(project, name, project.wishes if wishes is None else wishes)


@router.delete(PROJECT, response={204: None, **DENIED})
def delete_project(request: HttpRequest, project_id: UUID) -> Status[None]:
    """Delete a project and its files. Its chats are kept."""
    projects.delete(projects.access(caller(request), project_id))
    return Status(204, None)


@router.get(f"{PROJECT}/files", response={200: list[AttachmentShape], **LISTED})
@paginate(Pages, oldest_first=True)
def list_project_files(request: HttpRequest, project_id: UUID) -> QuerySet[ConversationFile]:
    """The files of a project, oldest first."""
    return projects.kept_files(projects.access(caller(request), project_id))


@router.post(f"{PROJECT}/files", response={201: AttachmentShape, **INVALID, **BUSY})
def add_project_file(request: HttpRequest, project_id: UUID, file: Upload[UploadedFile]) -> Status[ConversationFile]:
    """Add a file. While it is being read, messages in the project's chats are refused with 409."""
    project = projects.access(caller(request), project_id)
    return Status(201, projects.add_file(project, file.name or "file", file.chunks()))


@router.delete(f"{PROJECT}/files/{{uuid:file_id}}", response={204: None, **DENIED})
def remove_project_file(request: HttpRequest, project_id: UUID, file_id: UUID) -> Status[None]:
    """Take a file out of a project. Chats that already have it keep it."""
    projects.remove_file(projects.access(caller(request), project_id), file_id)
    return Status(204, None)
