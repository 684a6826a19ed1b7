"""`/api/operate/backups`: backups of this site, for operators. Files are downloaded in the console only."""

from datetime import datetime
from typing import Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from web.api.errors import INVALID, LISTED
from web.api.operate import operator
from web.api.paging import Pages
from web.operate.backup import planned
from web.operate.models_backup import Backup

router = Router(tags=["Operators"])


class BackupShape(Schema):
    """A backup."""

    id: int
    created: datetime
    state: Literal["waiting", "running", "checked", "ready", "failed"] = Field(
        description="checked: it is written, and being read back."
    )
    origin: Literal["schedule", "command", "person"]
    path: str
    size: int = Field(description="Bytes, written so far.")
    n_files: int
    n_missing: int = Field(description="Files that the database names and that were lost before.")
    seconds: float
    verified: datetime | None = Field(description="When it was read back completely and opened with the passphrase.")
    error: str


@router.get("/operate/backups", response={200: list[BackupShape], **LISTED})
@paginate(Pages)
def list_backups(request: HttpRequest) -> QuerySet[Backup]:
    """The backups of this site, newest first."""
    operator(request)
    return Backup.objects.all()


@router.post("/operate/backups", response={202: BackupShape, **INVALID})
def create_backup(request: HttpRequest) -> Status[Backup]:
    """Have a worker make a backup into BACKUP_DIR, or return the one that is being made. The list has its state."""
    return Status(202, planned.request_backup(operator(request)))
