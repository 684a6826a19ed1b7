"""The console's page that adds people from a list, and shows once what they sign in with."""

import hashlib
from base64 import b64encode
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from web.operate import people_list
from web.operate.people_list import Added, Row
from web.operate.site import operators, person_of
from web.operate.tables import csv_bytes

PASSWORDS: Final = "passwords"
LINKS: Final = "links"


class ListForm(forms.Form):
    """A list, and what its people are given."""

    text = forms.CharField(
        required=False,
        label="List",
        help_text="One person a line: name, user name or email address, group. A first row with titles may give"
        " another order.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, "spellcheck": "false"}),
    )
    file = forms.FileField(
        required=False,
        label="Or a CSV file",
        help_text=f"Up to {people_list.MOST_ROWS} people, from Excel or another spreadsheet.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    group = forms.CharField(
        required=False,
        max_length=150,
        label="Group",
        help_text="For rows that name none. A group that isn’t there yet is created.",
        widget=UnfoldAdminTextInputWidget(),
    )
    hand_out = forms.ChoiceField(
        label="What they get from you",
        choices=[(PASSWORDS, "A password"), (LINKS, "A sign-in link")],
        initial=PASSWORDS,
        help_text="A link works once, within 14 days. Passwords can be typed from paper and changed by their person.",
        widget=UnfoldAdminSelectWidget(),
    )

    def clean(self) -> dict[str, Any]:
        """With the text of the file, and the `rows`."""
        cleaned = self.cleaned_data
        if file := cleaned.get("file"):
            if file.size > people_list.MOST_BYTES:
                raise ValidationError({"file": f"Too large: a list can have {people_list.MOST_BYTES // 1000} kB."})
            cleaned["text"] = self._or_error("file", lambda: people_list.decoded(file.read()))
        if len(cleaned.get("text") or "") > people_list.MOST_BYTES:
            raise ValidationError({"text": f"Too long: a list can have {people_list.MOST_BYTES:,} characters."})
        if not self.errors:
            cleaned["rows"] = self._or_error("text", lambda: people_list.rows_of(cleaned["text"], cleaned["group"]))
        return cleaned

    def _or_error(self, field: str, do: Any) -> Any:
        try:
            return do()
        except ValidationError as error:
            self.add_error(field, error)

    @property
    def mark(self) -> str:
        """What the preview was of: a list that was changed since is shown again before anything is stored."""
        sent = "\n".join(self.cleaned_data[name] for name in ("text", "group", "hand_out"))
        return hashlib.sha256("\n".join(sent.split("\r\n")).encode()).hexdigest()


@operators.page("people/list/", "people_list", "Add people from a list")
def add_people(request: HttpRequest) -> HttpResponse:
    """The form; with a list, what would be added; and once that is confirmed, what to hand out."""
    form = ListForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"title": "Add people from a list", "form": form}
    if request.method == "POST" and form.is_valid():
        given, rows = form.cleaned_data, form.cleaned_data["rows"]
        if request.POST.get("seen") == form.mark:
            try:
                added = people_list.add_people(rows, person_of(request), with_links=given["hand_out"] == LINKS)
            except ValidationError as error:
                messages.error(request, error.messages[0])
            else:
                return _hand_out(request, added, rows)
        # A field for files can't be filled in again: their text stands in the other one.
        context |= {"form": ListForm(initial=given), "rows": rows, "seen": form.mark}
        context |= {"n_wrong": sum(bool(row.error) for row in rows), "n_new": sum(row.is_new for row in rows)}
    return operators.render(request, "operate/people_list.html", context)


def _hand_out(request: HttpRequest, added: list[Added], rows: list[Row]) -> HttpResponse:
    """What the new people sign in with, to print or to save; only this response has it."""
    address = settings.SITE_URL + reverse("account_login")
    head = ("Name", "Sign in as", "Password or link", "Group", "Address")
    file = csv_bytes([head, *((row.name, row.login, row.secret, row.group, address) for row in added)])
    context = {"title": "Added", "added": added, "address": address, "n_here": len(rows) - len(added)}
    context["file"] = f"data:text/csv;base64,{b64encode(file).decode()}"
    return operators.render(request, "operate/people_added.html", context)
