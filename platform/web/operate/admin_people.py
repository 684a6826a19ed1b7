"""The console's people and groups, with their quotas."""

from functools import partial
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, reverse
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from web.accounts import audit, people
from web.accounts.models import QuotaLimit, User
from web.accounts.quotas import KINDS, ZERO, limits_set, record_changes
from web.accounts.services import create_sign_in_link, forget_proof, vouch_for_address
from web.accounts.user_names import checked_address
from web.attempts import attempt
from web.counting import number_of
from web.moderation.suspending import reactivate, suspend
from web.operate.people import (
    CONFIRM_FIRST,
    NO_ACCOUNT,
    change_members,
    confirm_address,
    people_here,
    set_new_password,
)
from web.operate.site import OperatorAdmin, operators, person_of

KIND_CHOICES: Final = [
    (key, kind.title if kind.title == kind.what else f"{kind.title} ({kind.what})") for key, kind in KINDS.items()
]
HAND_OVER: Final = "Pass it on over a channel that only they read."
# How many of a group's people its page names.
N_MEMBERS: Final = 100


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n:,} people"


class QuotaForm(forms.ModelForm):  # type: ignore[type-arg]
    """A limit of one kind."""

    kind = forms.ChoiceField(choices=[("", "Choose…"), *KIND_CHOICES], widget=UnfoldAdminSelectWidget())

    class Meta:
        model = QuotaLimit
        fields = ("kind", "most")
        help_texts: ClassVar = {"most": f"Empty: no limit. {ZERO}"}


class QuotaInline(TabularInline):
    """What a person or group may use. Whatever is not listed is as for everyone else."""

    model, form, extra = QuotaLimit, QuotaForm, 0
    verbose_name, verbose_name_plural = "quota", "quotas"
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any) -> bool:
        """Always."""
        return True

    has_change_permission = has_delete_permission = has_view_permission = has_add_permission


class WithQuotas(OperatorAdmin):
    """A list whose rows have quotas."""

    inlines: ClassVar = [QuotaInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the quotas, each with an entry in the audit log."""
        before = limits_set(form.instance)
        super().save_formset(request, form, formset, change)
        record_changes(person_of(request), form.instance, before, limits_set(form.instance))


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person, as operators see them. A new one gets a sign-in link instead of a password."""

    email = forms.CharField(label="Email address or user name", widget=UnfoldAdminTextInputWidget())

    class Meta:
        labels: ClassVar = {"is_staff": "Admin"}
        help_texts: ClassVar = {
            "name": "Shown as the creator of their GPTs.",
            "groups": "They get the quotas of their groups, and what is shared with these.",
            "is_staff": "Can open this console and do everything here.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["email"] = self.instance.sign_in_name

    def clean_email(self) -> str:
        """The address, as it is looked up."""
        return checked_address(self.cleaned_data["email"])


@admin.register(User, site=operators)
class PersonAdmin(WithQuotas):
    """People with an account. Visitors of other sites, who have none, are not listed."""

    section, place, icon, act = "People", -2, "person", audit.Act.PERSON_CHANGED
    may_add = True
    form = PersonForm
    list_display = ("who", "state", "is_confirmed", "in_groups", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_moderator", ("groups", AutocompleteSelectFilter), "last_login")
    list_filter_submit = True
    search_fields = ("email", "name")
    search_help_text = "Name, user name or email address"
    ordering = ("-id",)
    actions = ("confirm", "suspend", "reactivate", "sign_out")
    fields = ("email", "name", "groups", "is_moderator", "is_staff")
    change_form_outer_before_template = "operate/person_acts.html"
    list_before_template = "operate/people_acts.html"
    ACTS: ClassVar = {
        "link": "Create a sign-in link",
        "password": "Set a new password",
        "confirm": "Confirm the address",
        "sign-out": "Sign out everywhere",
        "suspend": "Suspend",
        "reactivate": "Reactivate",
    }
    DONE: ClassVar = {
        "confirm": "has a confirmed address: what was shared with it is theirs",
        "sign-out": "is signed out everywhere",
        "suspend": "is suspended and signed out",
        "reactivate": "can sign in again",
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """People with an account, which is not closed."""
        return people_here().prefetch_related("groups")

    @display(description="Person", header=True, ordering="email")
    def who(self, person: User) -> tuple[str, str]:
        """The name, and what they sign in with."""
        return person.shown_name, person.sign_in_name

    @display(description="State", label={"Active": "success", "Suspended": "danger", "Admin": "info"})
    def state(self, person: User) -> str:
        """Whether they can sign in."""
        if not person.is_active:
            return "Suspended"
        return "Admin" if person.is_staff else "Moderator" if person.is_moderator else "Active"

    @display(description="Address confirmed", boolean=True)
    def is_confirmed(self, person: Any) -> bool:
        """Whether somebody proved the address, or an operator vouches for it. Only then it gets shares."""
        return bool(person.email_confirmed)

    @display(description="Groups")
    def in_groups(self, person: User) -> str:
        """Their groups."""
        return ", ".join(group.name for group in person.groups.all()) or "–"

    def own_urls(self) -> list[URLPattern]:
        """One for each act."""
        return [self.posted("<int:person_id>/act/<slug:act>/", self.act_view, "person_act")]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:
        """The form, with buttons for what can be done with the person now."""
        person = options.get("obj")
        other = "reactivate" if person and person.is_active else "suspend"
        unfit = {other, "confirm" if person and person.email_confirmed else ""}
        context["acts"] = [(act, title) for act, title in self.ACTS.items() if act not in unfit]
        return super().render_change_form(request, context, **options)

    def act_view(self, request: HttpRequest, person_id: int, act: str) -> HttpResponse:
        """Suspend, reactivate, sign out everywhere, or make a sign-in link, which only this response shows."""
        if act not in self.ACTS:
            raise Http404
        person, by = get_object_or_404(self.get_queryset(request), id=person_id), person_of(request)
        if act == "link":
            return self._show_link(request, person)
        if act == "password":
            return self._show_password(request, person)
        do = partial(self._do, act, person, request.POST.get("note", ""), by)
        attempt(request, do, f"{person.shown_name} {self.DONE[act]}.")
        return redirect("admin:accounts_user_change", person_id)

    @staticmethod
    def _do(act: str, person: User, note: str, by: User) -> None:
        match act:
            case "suspend":
                suspend(person, note, by)
            case "reactivate":
                reactivate(person, note, by)
            case "confirm":
                confirm_address(person, by)
            case _:
                people.sign_out_everywhere(person, by)

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        """The link to hand over, with which the new person signs in."""
        return self._show_link(request, obj)

    @staticmethod
    def _show_link(request: HttpRequest, person: User) -> HttpResponse:
        words = f"It signs {person.shown_name} ({person.sign_in_name}) in once, within a day. {HAND_OVER}"
        back = reverse("admin:accounts_user_change", args=[person.pk])
        return operators.show_once(
            request, "Sign-in link", create_sign_in_link(person, by=person_of(request)), words, back
        )

    @staticmethod
    def _show_password(request: HttpRequest, person: User) -> HttpResponse:
        words = f"{person.shown_name} signs in as {person.sign_in_name} with it. {HAND_OVER} Old sessions have ended."
        back = reverse("admin:accounts_user_change", args=[person.pk])
        return operators.show_once(request, "New password", set_new_password(person, person_of(request)), words, back)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save the person; a new one has no password. The operator who types an address vouches for it."""
        if not change:
            obj.set_unusable_password()
            audit.record(audit.Act.PERSON_CREATED, request.user, self._saved(obj))
        else:
            self._saved(obj)
        if "email" in form.changed_data:
            forget_proof(obj)
            vouch_for_address(obj)

    @staticmethod
    def _saved(person: User) -> User:
        # Django asks for permissions row by row elsewhere; here an admin is one for everything.
        person.is_superuser = person.is_staff
        person.save()
        return person

    @admin.action(description="Confirm the address")
    def confirm(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Vouch for the addresses of the selected people."""
        for person in queryset:
            attempt(request, partial(confirm_address, person, person_of(request)), f"{person.email} is confirmed.")

    @admin.action(description="Suspend")
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Suspend the selected people, but not oneself."""
        by = person_of(request)
        n = sum(suspend(person, "", by) for person in queryset.exclude(id=by.pk))
        messages.success(request, f"{_people(n)} suspended.")

    @admin.action(description="Reactivate")
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Let the selected people sign in again."""
        n = sum(reactivate(person, "", person_of(request)) for person in queryset)
        messages.success(request, f"{_people(n)} reactivated.")

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End the sessions of the selected people."""
        for person in queryset:
            people.sign_out_everywhere(person, person_of(request))
        n = len(queryset)
        messages.success(request, f"{_people(n)} signed out.")


@admin.register(Group, site=operators)
class GroupAdmin(WithQuotas):
    """Groups of people: GPTs are shared with them, and they have quotas."""

    section, place, icon, act = "People", -1, "groups", audit.Act.GROUP_CHANGED
    may_add = may_delete = True
    list_display = ("name", "n_people")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name",)
    change_form_outer_before_template = "operate/group_people.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """All groups, with how many people are in them."""
        return Group.objects.annotate(n_people=number_of(User.groups.through.objects.all(), "group"))

    @display(description="People", ordering="n_people")
    def n_people(self, group: Any) -> int:
        """How many people are in it."""
        return int(group.n_people)

    def own_urls(self) -> list[URLPattern]:
        """One to add people."""
        return [self.posted("<int:group_id>/people/", self.add_people, "group_people")]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:
        """The form, below the group's people."""
        if group := options.get("obj"):
            context["members"] = people_here().filter(groups=group).order_by("email")[:N_MEMBERS]
        return super().render_change_form(request, context, **options)

    def add_people(self, request: HttpRequest, group_id: int) -> HttpResponse:
        """Put the people with these user names or email addresses into the group, or take them out."""
        group = get_object_or_404(Group, id=group_id)
        sent = request.POST.get("emails", "").replace(",", " ").replace(";", " ").split()
        leave = "remove" in request.POST
        found, unknown = change_members(group, sent, request.user, leave=leave)
        if found:
            messages.success(request, f"{_people(len(found))} {'removed' if leave else 'added'}.")
        if unknown:
            messages.error(request, f"{NO_ACCOUNT} {', '.join(unknown[:20])}. {CONFIRM_FIRST}")
        return redirect("admin:auth_group_change", group_id)
