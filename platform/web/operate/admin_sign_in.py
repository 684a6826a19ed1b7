"""The console's single sign-on: providers of OpenID Connect and SAML, beside those of `sign-in.toml`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from allauth.socialaccount.models import SocialAccount
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.decorators import method_decorator
from pydantic import ValidationError as Invalid
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from web.accounts import audit, sign_in_providers
from web.accounts.models_sign_in import SignInProvider
from web.counting import number_of
from web.operate.access import confirmed_first
from web.operate.forms import domains_of
from web.operate.site import OperatorAdmin, operators
from web.secrets import SecretLost, seal

Kind = SignInProvider.Kind
FIXED: Final = ("name", "server", "entity_id")  # of a provider that exists
ATTRIBUTES: Final = ("uid", "email", "name")
NEW: Final = "NAME"  # in addresses, until it has one


def _text(label: str, help_text: str = "", placeholder: str = "", **options: Any) -> forms.CharField:
    widget = options.pop("widget", UnfoldAdminTextInputWidget)(attrs={"placeholder": placeholder})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget, **options)


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the providers of both kinds have.

    `own`: the fields that only the table of this kind has; `address`: that which is wrong if it can't be reached.
    """

    kind: ClassVar[Kind]
    own: ClassVar[tuple[str, ...]]
    address: ClassVar[str]

    title = _text("Title", "On the button: “Sign in with …”.", max_length=60)
    trusted_domains = _text(
        "Trusted domains",
        "The provider decides who has addresses of these domains: its people get the accounts that have one already. "
        "Separated by spaces. Empty: nobody joins an account by address.",
        "school.example",
    )
    groups = _text("Claim with groups", "People are members of the groups that it lists, at each sign-in.", "groups")
    operators = _text("Group of admins", "Its members are admins here, and nobody else who signs in with it.")
    sign_up = forms.BooleanField(
        label="New people",
        help_text="On: they get accounts although sign-up is closed. Off: they need an invitation then.",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial.update(self.from_table(self.instance.table))
        for name in FIXED:
            if name in self.fields and not self.instance._state.adding:
                self.fields[name].disabled = True

    def from_table(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a stored provider."""
        return {**table, "trusted_domains": " ".join(table.get("trusted_domains", ()))}

    def to_table(self) -> dict[str, Any]:
        """What to store; fields without a value are left out."""
        names = ("title", "groups", "operators", *self.own)
        given = {name: self.cleaned_data.get(name) for name in names}
        table = {name: value for name, value in given.items() if value}
        domains = self.cleaned_data.get("trusted_domains", [])
        return table | {"trusted_domains": domains, "sign_up": bool(self.cleaned_data.get("sign_up"))}

    def clean_trusted_domains(self) -> list[str]:
        """The domains, as addresses are compared with them."""
        return list(domains_of(self.cleaned_data["trusted_domains"]))

    def clean_name(self) -> str:
        """A name that the file doesn't have."""
        name: str = self.cleaned_data["name"]
        if name in settings.SIGN_IN.providers:
            raise ValidationError("A provider in sign-in.toml has this name.")
        return name

    def clean(self) -> dict[str, Any]:
        """Read it as the file would be read, and then what the provider publishes."""
        row = self.instance
        row.kind, row.table = self.kind, self.to_table()
        row.name = self.cleaned_data.get("name", row.name)
        try:
            provider = sign_in_providers.read(row, self.secret())
        except Invalid as error:
            for each in error.errors(include_input=False):
                text = "This field is required." if each["type"] == "missing" else each["msg"]
                self.add_error(str(each["loc"][0]) if each["loc"][0] in self.fields else None, text)
        except ValueError as error:
            self.add_error(None, f"This {error}" if str(error)[:1].islower() else str(error))
        else:
            self._try_out(provider)
        return self.cleaned_data

    def _try_out(self, provider: Any) -> None:
        if self.errors or not self.cleaned_data.get("is_on"):
            return
        try:
            sign_in_providers.try_out(provider)
        except ValueError as error:
            self.add_error(self.address, str(error))

    def secret(self) -> str:
        """The secret that the provider is to have."""
        return ""


class OidcForm(ProviderForm):
    """An OpenID Connect provider."""

    kind = Kind.OIDC
    own, address = ("server", "client_id"), "server"

    server = _text("Issuer", "The address before /.well-known/openid-configuration.", "https://id.school.example")
    client_id = _text("Client ID")
    new_secret = _text("Client secret", strip=True, widget=UnfoldAdminPasswordWidget)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.sealed:
            self.fields["new_secret"].help_text = "Saved, and never shown. Empty: it stays."

    def secret(self) -> str:
        """The one typed in, or the one that it has. Raises ValueError if that is lost."""
        try:
            return self.cleaned_data.get("new_secret") or sign_in_providers.secret_of(self.instance)
        except SecretLost as error:
            raise ValueError(str(error)) from None


class SamlForm(ProviderForm):
    """A SAML identity provider."""

    kind = Kind.SAML
    own, address = ("entity_id", "metadata_url", "sso_url", "certificate"), "metadata_url"

    entity_id = _text("Entity ID", "As the provider calls itself.", "https://idp.city.example/metadata")
    metadata_url = _text("Metadata URL", "Read every four hours. Or give the two below.")
    sso_url = _text("Sign-in URL", "Where people are sent (HTTP-Redirect).")
    certificate = _text("Certificate", "That its assertions are signed with (PEM).", widget=UnfoldAdminTextareaWidget)
    attribute_uid = _text("Attribute with the id", "Empty: the subject’s NameID, which must be persistent.")
    attribute_email = _text("Attribute with the address", initial="email")
    attribute_name = _text("Attribute with the name", initial="name")

    def from_table(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """With the attributes in a field each."""
        attributes = {f"attribute_{name}": value for name, value in table.get("attributes", {}).items()}
        return {**super().from_table(table), **attributes}

    def to_table(self) -> dict[str, Any]:
        """With the attributes together."""
        given = {name: self.cleaned_data.get(f"attribute_{name}") for name in ATTRIBUTES}
        return super().to_table() | {"attributes": {name: value for name, value in given.items() if value}}


FORMS: Final[dict[str, type[ProviderForm]]] = {Kind.OIDC: OidcForm, Kind.SAML: SamlForm}
LAST: Final = ("trusted_domains", "groups", "operators", "sign_up", "is_on")


@admin.register(SignInProvider, site=operators)
@method_decorator(confirmed_first, name="add_view")
@method_decorator(confirmed_first, name="change_view")
@method_decorator(confirmed_first, name="delete_view")
class SignInProviderAdmin(OperatorAdmin):
    """Providers, changed after a fresh sign-in: whom an operator trusts here can open the accounts of others."""

    section, place, icon, act = "People", 2, "key", audit.Act.SIGN_IN_PROVIDER
    may_add, may_delete = True, True
    rows_name = "providers"
    list_display = ("__str__", "kind", "state", "people", "created")
    search_fields = ("name",)
    ordering = ("name",)
    actions = None
    list_before_template = "operate/sign_in_file.html"
    change_form_outer_before_template = "operate/sign_in_addresses.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignInProvider]:
        """With how many people have signed in with each."""
        n_people = number_of(SocialAccount.objects.all(), "provider", "name")
        return super().get_queryset(request).annotate(n_people=n_people)

    def _kind(self, request: HttpRequest, obj: SignInProvider | None) -> str:
        asked = request.GET.get("kind", "")
        return obj.kind if obj else asked if asked in FORMS else Kind.OIDC

    def get_fieldsets(self, request: HttpRequest, obj: SignInProvider | None = None) -> Any:
        """What it is, and what becomes of its people."""
        kind = self._kind(request, obj)
        secret = ("new_secret",) if kind == Kind.OIDC else ()
        groups = [("Provider", ("title", "name", *FORMS[kind].own, *secret)), ("People", LAST)]
        if kind == Kind.SAML:
            groups.append(("Attributes", tuple(f"attribute_{name}" for name in ATTRIBUTES)))
        return [(title, {"fields": fields}) for title, fields in groups]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """That of the kind."""
        kwargs |= {"form": FORMS[self._kind(request, obj)], "fields": ("name", "is_on")}
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: SignInProvider, form: Any, change: bool) -> None:
        """With its secret, if one was typed in."""
        if secret := form.cleaned_data.get("new_secret"):
            obj.sealed = seal(secret, obj.bound_to)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: SignInProvider) -> None:
        """Delete it, and whom it signs in."""
        sign_in_providers.remove(obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Say first what goes with it."""
        row = self.get_object(request, object_id)
        if row and request.method == "GET":
            text = f"{row.n_people:,} people sign in with it. They keep their accounts, and need"
            messages.warning(request, f"{text} a password or another provider. To keep their sign-ins, turn it off.")
        return super().delete_view(request, object_id, extra_context)

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With the addresses that the provider must know, or the kinds to choose from."""
        row = self.get_object(request, object_id) if object_id else None
        kind = self._kind(request, row)
        context = {"addresses": addresses(kind, row.name if row else NEW), "kind": kind}
        context |= {} if row else {"kinds": Kind.choices}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """With those of the file."""
        file = settings.SIGN_IN
        context = {"in_file": [each.title for each in file.providers.values()], "ldap": file.ldap}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    @display(
        description="State", label={"On": "success", "Off": "info", "Secret lost": "danger", "In the file": "info"}
    )
    def state(self, row: SignInProvider) -> str:
        """Whether people can sign in with it."""
        if row.name in settings.SIGN_IN.providers:
            return "In the file"
        try:
            sign_in_providers.secret_of(row)
        except SecretLost:
            return "Secret lost"
        return "On" if row.is_on else "Off"

    @display(description="People")
    def people(self, row: Any) -> int:
        """How many have signed in with it."""
        return int(row.n_people)


def addresses(kind: str, name: str) -> list[tuple[str, str]]:
    """What to enter at the provider of this name: titles and URLs of this site."""
    views = {
        Kind.OIDC: [("Redirect URI", "openid_connect_callback")],
        Kind.SAML: [("Metadata", "saml_metadata"), ("Assertion consumer service", "saml_acs")],
    }
    return [(title, settings.SITE_URL + reverse(view, args=[name])) for title, view in views[Kind(kind)]]
