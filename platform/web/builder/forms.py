"""The creator's form, with the limits of `gpts.spec`. Valid fields are saved even if others are invalid."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import (
    DESCRIPTION_CHARS,
    INSTRUCTIONS_CHARS,
    MAX_REPLY_TOKENS,
    MAX_TEMPERATURE,
    NAME_CHARS,
    WHEN_CHARS,
)
from web.builder.delegates import DelegateEntry, field_name
from web.builder.faces import MARKS
from web.builder.models import SPEC_FIELDS, Category, Gpt, Sharing, validate_starters
from web.engines import DEFAULT, offered
from web.operate.services import current_model

DRAFT_FIELDS = (*SPEC_FIELDS, "category", "engine", "temperature", "max_tokens", "face")
TOO_LONG = {"max_length": "Too long: %(show_value)d of %(limit_value)d characters."}
NAME_ERRORS = {**TOO_LONG, "required": "Enter a name."}


class LinesField(forms.CharField):
    """Multi-line text. Browsers send line ends as two characters, which would count twice."""

    def to_python(self, value: Any) -> str:
        """The text with single line ends."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


class StartersField(forms.Field):
    """Conversation starters: inputs of the same name; empty ones are ignored."""

    class widget(forms.MultipleHiddenInput):
        """Reads every input of that name."""

    default_validators = [validate_starters]

    def to_python(self, value: Any) -> list[str]:
        """The texts that are not empty."""
        return [text.strip() for text in value or [] if text.strip()]


class NewGptForm(forms.Form):
    """The fields of a new GPT."""

    name = forms.CharField(max_length=NAME_CHARS, error_messages=NAME_ERRORS)
    description = forms.CharField(max_length=DESCRIPTION_CHARS, required=False, error_messages=TOO_LONG)
    category = forms.ChoiceField(choices=Category.choices, required=False)

    def clean_category(self) -> str:
        """The chosen category; default: Other."""
        return self.cleaned_data["category"] or Category.OTHER


class GptForm(NewGptForm):
    """Everything about a GPT except files, picture and external services."""

    category = forms.ChoiceField(choices=Category.choices)
    instructions = LinesField(max_length=INSTRUCTIONS_CHARS, required=False, error_messages=TOO_LONG)
    starters = StartersField(required=False)
    only_from_knowledge = forms.BooleanField(required=False)
    capabilities = forms.MultipleChoiceField(
        choices=[(key, capability.title) for key, capability in CAPABILITIES.items()], required=False
    )
    delegates_to_all = forms.BooleanField(required=False)
    delegates_to_store = forms.BooleanField(required=False)
    takes_questions = forms.BooleanField(required=False)
    files_downloadable = forms.BooleanField(required=False)
    a2a = forms.BooleanField(required=False)
    temperature = forms.FloatField(min_value=0, max_value=MAX_TEMPERATURE)
    max_tokens = forms.IntegerField(min_value=1, max_value=MAX_REPLY_TOKENS)
    face = forms.ChoiceField(choices=[("", "Automatic"), *((key, key) for key in MARKS)], required=False)
    sharing = forms.ChoiceField(choices=Sharing.choices)
    # The draft's revision that the page shows. A page from before there was one sends none.
    revision = forms.IntegerField(required=False)
    # A newer revision that the person chose to overwrite.
    overwrite = forms.IntegerField(required=False)

    def __init__(self, gpt: Gpt, data: QueryDict | None = None) -> None:
        """Shows the draft of `gpt`, or the sent data. Each GPT in its list has a field for when to ask it."""
        super().__init__(data, initial={name: getattr(gpt, name) for name in (*DRAFT_FIELDS, "sharing")})
        self.slugs = list(gpt.delegates.values_list("delegate__slug", flat=True))
        for slug in self.slugs:
            line = forms.CharField(max_length=WHEN_CHARS, required=False, error_messages=TOO_LONG)
            self.fields[field_name(slug)] = line
        entries, loaded = offered(settings.ENGINES, gpt.owner), current_model()
        default = " · ".join((entries.pop(DEFAULT).title, *([loaded.title] if loaded else ())))
        choices = {"": default} | {name: entry.title for name, entry in entries.items()}
        self.lost_engine = "" if gpt.engine in choices else gpt.engine
        if self.lost_engine:
            choices[gpt.engine] = f"{gpt.engine} (no longer offered)"
        self.fields["engine"] = forms.ChoiceField(choices=list(choices.items()), required=False)
        # A page from before there was a choice sends none.
        if len(choices) == 1 or (self.is_bound and "engine" not in self.data):
            del self.fields["engine"]

    def draft_fields(self) -> dict[str, Any]:
        """The valid fields of the draft, by name."""
        return {name: self.cleaned_data[name] for name in DRAFT_FIELDS if name in self.cleaned_data}

    def sent_lines(self) -> dict[str, str]:
        """The valid texts on when to ask a GPT, by its slug. A page from before a GPT was added sends none for it."""
        sent = {slug: field_name(slug) for slug in self.slugs if field_name(slug) in self.data}
        return {slug: self.cleaned_data[name] for slug, name in sent.items() if name in self.cleaned_data}

    def line(self, entry: DelegateEntry) -> tuple[str, str]:
        """When to ask a GPT, as sent or else as saved, and its error if there is one."""
        if entry.field not in self.data:
            return entry.when, ""
        wrong = self.errors.get(entry.field)
        return self.data[entry.field], str(wrong[0]) if wrong else ""
