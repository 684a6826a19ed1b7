"""The console's page that erases a person: what goes and what stays, and who gets their GPTs."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from web.accounts.models import User
from web.accounts.user_names import address_of
from web.operate.people import belongings, erase, people_here, person_with_address
from web.operate.site import operators, person_of

DELETE, TRANSFER = "delete", "transfer"


class ErasureForm(forms.Form):
    """What becomes of a person's GPTs, and their address as a confirmation."""

    gpts = forms.ChoiceField(
        label="Their GPTs",
        choices=[(DELETE, "Delete them"), (TRANSFER, "Transfer them")],
        initial=DELETE,
        widget=UnfoldAdminSelectWidget(),
    )
    heir = forms.CharField(
        required=False, label="Email address of who gets them", widget=UnfoldAdminEmailInputWidget()
    )
    email = forms.CharField(widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))

    def __init__(self, person: User, by: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._person = person
        self.fields["heir"].initial = by.email
        self.fields["email"].label = f"Type {person.sign_in_name} to confirm"
        if not person.gpts.filter(deleted=None).exists():
            del self.fields["gpts"], self.fields["heir"]

    def clean_email(self) -> str:
        """Refuse another address than theirs."""
        if address_of(str(self.cleaned_data["email"])) != self._person.email:
            raise ValidationError("That’s not their address.")
        return self._person.email

    def clean(self) -> dict[str, Any]:
        """The person who gets the GPTs, if somebody does."""
        cleaned = self.cleaned_data
        cleaned["to"] = None
        if cleaned.get("gpts") == TRANSFER:
            try:
                cleaned["to"] = person_with_address(cleaned.get("heir", ""))
            except ValidationError as error:
                self.add_error("heir", error)
        return cleaned


@operators.page("accounts/user/<int:person_id>/erase/", "person_erase", "Erase a person")
@reauthentication_required
def erase_person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Close somebody's account and have what is theirs erased, after a fresh sign-in and their address."""
    person, by = get_object_or_404(people_here(), id=person_id), person_of(request)
    refusal = "You can’t erase yourself here. Close your account on its own page." if person == by else ""
    form = ErasureForm(person, by, request.POST or None)
    if request.method == "POST" and not refusal and form.is_valid():
        try:
            erase(person, by, form.cleaned_data["to"])
        except ValidationError as error:
            form.add_error("heir", error)
        else:
            text = (
                f"The account of {person.sign_in_name} is closed. Everything of theirs is erased within three hours."
            )
            messages.success(request, text)
            return redirect("admin:accounts_user_changelist")
    context = {"title": f"Erase {person.shown_name}?", "person": person, "form": form, "refusal": refusal}
    response = operators.render(request, "operate/erase_person.html", context | belongings(person))
    response.status_code = 422 if request.method == "POST" else 200
    return response
