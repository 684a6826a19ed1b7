"""The console's invitations: links with which people create accounts. The link is shown once, when it is made."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from web.accounts import audit, invitations
from web.accounts.models_invitations import Invitation
from web.operate.site import OperatorAdmin, operators, person_of


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new invitation, or the name of one."""

    send_to = forms.CharField(
        required=False,
        label="Send the link to",
        help_text="Email addresses, separated by spaces. Empty: you get the link to send it yourself.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        """With the addresses as a list."""
        text, most = self.cleaned_data.get("send_to", ""), self.cleaned_data.get("most", invitations.MOST_PEOPLE)
        try:
            self.cleaned_data["send_to"] = invitations.checked_addresses(text, most)
        except forms.ValidationError as error:
            self.add_error("send_to", error)
        return self.cleaned_data

    def clean_most(self) -> int:
        """How many people may use it."""
        most: int = self.cleaned_data["most"]
        if not 1 <= most <= invitations.MOST_PEOPLE:
            raise forms.ValidationError(f"Invite 1 to {invitations.MOST_PEOPLE:,} people.")
        return most


@admin.register(Invitation, site=operators)
class InvitationAdmin(OperatorAdmin):
    """Invitations by link."""

    section, icon, act = "People", "link", audit.Act.INVITATION_CREATED
    may_add, may_change = True, False
    form = InvitationForm
    list_display = ("name", "state", "used", "expires", "created")
    search_fields = ("name",)
    ordering = ("-created", "-id")
    actions = ("withdraw",)
    fields = ("name", "most", "expires", "groups", "send_to")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, in the words of this page."""
        return super().get_form(request, obj, change, **kwargs, labels={"most": "People"})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """One person, for two weeks."""
        return {"most": 1, "expires": timezone.now() + timedelta(days=14)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the link."""
        given = form.cleaned_data
        made, url = invitations.create(person_of(request), given["name"], given["most"], given["expires"])
        obj.pk = made.pk
        obj.refresh_from_db()
        obj.url = url
        invitations.send(made, url, given["send_to"])

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The link to hand over."""
        words = "Whoever has it can create an account and joins the groups you chose."
        return operators.show_once(request, "Invitation link", obj.url, words, self.address)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """`create` has done so."""

    @display(description="State")
    def state(self, row: Invitation) -> str:
        """What has become of it."""
        if row.withdrawn:
            return "Withdrawn"
        if row.n_used >= row.most:
            return "Used up"
        return "Expired" if row.expires <= timezone.now() else "Live"

    @display(description="People")
    def used(self, row: Invitation) -> str:
        """How many have used it."""
        return f"{row.n_used} of {row.most}"

    @action(description="Withdraw")
    def withdraw(self, request: HttpRequest, queryset: Any) -> None:
        """End the chosen invitations."""
        n = sum(invitations.withdraw(row.pk, person_of(request)) for row in queryset)
        messages.success(request, f"Withdrawn: {n}.")
