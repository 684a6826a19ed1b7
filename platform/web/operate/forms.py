"""Forms of the models page: the server of a model, and how the model is offered."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext, gettext_lazy

from gpts.egress.config import only_server
from gpts.egress.errors import EgressRefused
from web.engines import NO_FALLBACK, circle, engines, forget, title_of
from web.operate.connecting import most_check_tokens, refusal
from web.operate.models_connected import ConnectedModel
from web.sign_in import read_domains


def domains_of(text: str) -> tuple[str, ...]:
    """The domains that somebody typed. Raises ValidationError."""
    try:
        return read_domains(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class ServerForm(forms.Form):
    """Where a model is."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"spellcheck": "false"}),
        help_text=gettext_lazy(
            "For example http://10.0.0.5:8001/v1. Any OpenAI-compatible server: vLLM, Ollama, llama.cpp or a cloud."
            " It may be on your own network or on this machine."
        ),
    )
    key = forms.CharField(
        label=gettext_lazy("Key"),
        max_length=500,
        required=False,
        validators=[RegexValidator(r"^[!-~]+$", gettext_lazy("Use letters, digits and signs, without spaces."))],
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("It is encrypted and never shown again."),
    )

    def __init__(self, *args: Any, has_key: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if has_key:
            self.fields["key"].help_text = gettext("Empty: as it is, unless the address is another server’s.")

    def clean_url(self) -> str:
        """An address that can be a server's."""
        url: str = self.cleaned_data["url"]
        try:
            if "@" in url or "?" in url:
                raise ValidationError(gettext("Leave out passwords and queries: the key has a field of its own."))
            only_server(url)
        except EgressRefused as error:
            raise ValidationError(refusal("address")) from error
        return url


class ConnectedForm(forms.ModelForm):  # type: ignore[type-arg]
    """How a model is offered. `names` are the models of its server."""

    check = forms.BooleanField(label=gettext_lazy("Check what it can do now"), required=False, initial=True)

    class Meta:
        model = ConnectedModel
        fields = ("model", "title", "allowed", "groups", "fallback", "context_tokens", "input_price", "output_price")
        labels = {
            "model": gettext_lazy("Model"),
            "title": gettext_lazy("Title"),
            "allowed": gettext_lazy("Who may choose it"),
            "groups": gettext_lazy("Groups"),
            "fallback": gettext_lazy("While it’s down"),
            "context_tokens": gettext_lazy("Context in tokens"),
            "input_price": gettext_lazy("Price of input"),
            "output_price": gettext_lazy("Price of output"),
        }
        help_texts = {
            "title": gettext_lazy("What people see, for example “Large model”."),
            "groups": gettext_lazy("Whose people may choose it, if only some groups may."),
            "fallback": gettext_lazy("This model answers instead."),
            "context_tokens": gettext_lazy("0: as the server says."),
            "output_price": gettext_lazy("US dollars per million tokens, for people to see."),
        }

    def __init__(self, *args: Any, names: list[str], is_found: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if is_found:
            n = round(most_check_tokens(self.instance.context_tokens), -4)
            self.fields["check"].help_text = gettext(
                "Some hundred questions and a few made-up files: up to {n} tokens, fewer if its context is short."
            ).format(n=f"{n:,}")
        else:
            del self.fields["check"]
        forget()  # what another process changed in the last seconds
        if not Group.objects.exists():
            del self.fields["groups"]
        self._others = {name: entry for name, entry in engines().items() if name != self.instance.name}
        self.fields["model"] = forms.ChoiceField(
            label=self.fields["model"].label, choices=[(name, name) for name in names]
        )
        titles = [(name, gettext(title_of(name))) for name in self._others]
        self.fields["fallback"] = forms.ChoiceField(
            label=self.fields["fallback"].label,
            help_text=self.fields["fallback"].help_text,
            choices=[*titles, (NO_FALLBACK, gettext("None: people see an error"))],
        )

    def clean_title(self) -> str:
        """A title that no other model has."""
        title: str = self.cleaned_data["title"]
        if title.casefold() in (entry.title.casefold() for entry in self._others.values()):
            raise ValidationError(gettext("Another model has this title."))
        return title

    def clean(self) -> dict[str, Any]:
        """Refuse “some groups” without any."""
        cleaned = super().clean() or {}
        if cleaned.get("allowed") == ConnectedModel.Allowed.GROUPS and not cleaned.get("groups"):
            self.add_error("groups" if "groups" in self.fields else "allowed", gettext("Choose at least one group."))
        return cleaned

    def clean_fallback(self) -> str:
        """A fallback that does not lead back to the model."""
        name: str = self.cleaned_data["fallback"]
        own = self.instance.name
        entry = self.instance.entry().model_copy(update={"fallback": name})
        if own and circle({**self._others, own: entry}):
            raise ValidationError(gettext("This model falls back to the one you’re editing. Choose another."))
        return name
