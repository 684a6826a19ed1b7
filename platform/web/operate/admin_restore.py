"""The console's page that restores a backup, of a site that `deploy/up` runs."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminPasswordWidget, UnfoldBooleanWidget

from web.operate.access import confirmed_first
from web.operate.backup import planned, wanted
from web.operate.backup.errors import BackupError
from web.operate.site import operators, person_of


class RestoreForm(forms.Form):
    """The backup, unless it is chosen already, and what opens it."""

    backup = forms.FileField(label="File of the backup", widget=UnfoldAdminFileFieldWidget())
    passphrase = forms.CharField(
        label="Its passphrase", strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"})
    )
    knows = forms.BooleanField(
        label="I can sign in", help_text="with an account that was an admin then.", widget=UnfoldBooleanWidget()
    )

    def __init__(self, path: Path | None, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if path:
            del self.fields["backup"]
        if path and settings.BACKUP_PASSPHRASE:
            self.fields["passphrase"].required = False
            self.fields["passphrase"].help_text = "Empty: that of this site."


@operators.page("backups/restore/", "backup_restore", "Restore a backup")
@confirmed_first
def restore(request: HttpRequest) -> HttpResponse:
    """Replace the site by `file`, a backup in BACKUP_DIR, or by one sent to a new site; after a fresh sign-in."""
    name = request.GET.get("file", "")
    path = planned.in_folder(name) if name else None
    if not wanted.is_possible() or (path is None and (name or not wanted.is_new_site())):
        raise Http404
    form = RestoreForm(path, request.POST or None, request.FILES or None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            wanted.ask(
                path or wanted.keep_upload(given["backup"].chunks()),
                given["passphrase"] or settings.BACKUP_PASSPHRASE,
                person_of(request),
            )
            return operators.render(request, "operate/restoring.html", {"title": "Restoring"})
        except BackupError as error:
            form.add_error(None, str(error))
    context = {"title": "Restore a backup", "name": name, "form": form}
    return operators.render(request, "operate/restore.html", context)
