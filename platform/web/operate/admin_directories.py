"""The console's SCIM tokens, with which directories provision people. A token is shown once, when it is made."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from web.accounts import audit, directory_tokens
from web.accounts.models_directory import DirectoryToken
from web.operate.site import OperatorAdmin, operators, person_of


@admin.register(DirectoryToken, site=operators)
class DirectoryTokenAdmin(OperatorAdmin):
    """Tokens of directories."""

    section, place, icon, act = "People", 1, "sync_lock", audit.Act.SCIM_TOKEN_CREATED
    may_add, may_change = True, False
    list_display = ("name", "prefix", "state", "last_used", "created")
    search_fields = ("name",)
    ordering = ("-created", "-id")
    actions = ("withdraw",)
    fields = ("name",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the token."""
        made, secret = directory_tokens.create(person_of(request), form.cleaned_data["name"])
        obj.pk = made.pk
        obj.refresh_from_db()
        obj.secret = secret

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The token, for the directory."""
        return operators.show_once(request, "SCIM token", obj.secret, "The directory signs in with it.", self.address)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """`create` has done so."""

    @display(description="State")
    def state(self, row: DirectoryToken) -> str:
        """Whether it still works."""
        return "Withdrawn" if row.withdrawn else "Live"

    @action(description="Withdraw")
    def withdraw(self, request: HttpRequest, queryset: Any) -> None:
        """End the chosen tokens."""
        n = sum(directory_tokens.withdraw(row.pk, person_of(request)) for row in queryset)
        messages.success(request, f"Withdrawn: {n}.")
