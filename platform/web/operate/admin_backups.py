"""The console's backups: make one, see whether it is good, download it, delete it, and how it is restored."""

import shutil
from typing import Any, Final

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from web.accounts import audit
from web.attempts import attempt
from web.operate.backup import planned, wanted
from web.operate.models_backup import Backup
from web.operate.site import operators, person_of

N_SHOWN: Final = 50


@operators.page("backups/", "backups", "Backups", section="Site", icon="cloud_download")
def backups(request: HttpRequest) -> HttpResponse:
    """The backups of this site; POST has a worker make one."""
    if request.method == "POST":
        attempt(request, lambda: planned.request_backup(person_of(request)))
        return redirect("admin:backups")
    return operators.render(request, "operate/backups.html", {"title": "Backups", **_page()})


def _page() -> dict[str, Any]:
    rows = list(Backup.objects.select_related("by")[:N_SHOWN])
    folder = settings.BACKUP_DIR
    for row in rows:
        row.is_in_folder = planned.file_of(row) is not None  # type: ignore[attr-defined]
    good = [row for row in rows if row.state == Backup.State.READY and row.is_there]
    return {
        "rows": rows,
        "n_shown": N_SHOWN,
        "unlisted": planned.unlisted(N_SHOWN),
        "missing": planned.missing_settings(),
        "folder": folder,
        "hours": settings.BACKUP_HOURS,
        "keep": settings.BACKUP_KEEP,
        "next_due": (due := planned.next_due()),
        "is_due": due is None or due <= timezone.now(),
        "free": shutil.disk_usage(folder).free if folder and folder.is_dir() else None,
        "is_moving": any(row.is_moving for row in rows),
        "usual_size": good[0].size if good else 0,
        "failed": rows[0] if rows and rows[0].state == Backup.State.FAILED else None,
        "example": good[0].path if good else "FILE",
        "can_restore": wanted.is_possible(),
        "is_new": wanted.is_new_site(),
        "restore_failed": wanted.failure(),
    }


@operators.page("backups/<int:backup_id>/verify/", "backup_verify", "Verify a backup")
@require_POST
def verify(request: HttpRequest, backup_id: int) -> HttpResponse:
    """Have a worker read the backup back."""
    row = get_object_or_404(Backup, id=backup_id)
    if planned.file_of(row):
        planned.request_check(row)
    else:
        messages.error(request, "The file of this backup isn’t there any more.")
    return redirect("admin:backups")


@operators.page("backups/<int:backup_id>/file/", "backup_file", "Download a backup")
@require_safe
@reauthentication_required
def download(request: HttpRequest, backup_id: int) -> FileResponse:
    """The file, after a fresh sign-in: whoever has it can read everything but the site’s keys."""
    row = get_object_or_404(Backup, id=backup_id)
    path = planned.file_of(row)
    if path is None:
        raise Http404
    audit.record(audit.Act.BACKUP_DOWNLOADED, request.user, row)
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


@operators.page("backups/<int:backup_id>/delete/", "backup_delete", "Delete a backup")
@reauthentication_required
def delete(request: HttpRequest, backup_id: int) -> HttpResponse:
    """Delete the file and its record, after a fresh sign-in."""
    row = get_object_or_404(Backup, id=backup_id)
    if request.method != "POST":
        return operators.render(request, "operate/delete_backup.html", {"title": "Delete this backup?", "row": row})
    attempt(request, lambda: planned.delete_backup(row, person_of(request)), "Deleted.")
    return redirect("admin:backups")
