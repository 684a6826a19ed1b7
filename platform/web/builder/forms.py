"""The creator's form. Its limits are those of `gpts.spec`; what is valid is saved even where another field is not."""

from typing import Any

from django import forms

from gpts.capabilities import CAPABILITIES
from gpts.spec import (
    DESCRIPTION_CHARS,
    INSTRUCTIONS_CHARS,
    MAX_REPLY_TOKENS,
    MAX_TEMPERATURE,
    NAME_CHARS,
)
from web.builder.marks import MARKS
from web.builder.models import Category, Gpt, Sharing, validate_starters

DRAFT_FIELDS = (
    "name",
    "description",
    "category",
    "instructions",
    "starters",
    "only_from_knowledge",
    "capabilities",
    "files_downloadable",
    "a2a",
    "temperature",
    "max_tokens",
    "face",
)
TOO_LONG = {"max_length": "This has %(show_value)d characters; %(limit_value)d fit."}
NAME_ERRORS = {**TOO_LONG, "required": "A GPT needs a name."}


class LinesField(forms.CharField):
    """Text of many lines. Browsers send each line end as two characters, which would count twice."""

    def to_python(self, value: Any) -> str:
        """The text with single line ends."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


class StartersField(forms.Field):
    """Conversation starters: one input each, all of one name; empty ones do not count."""

    class widget(forms.MultipleHiddenInput):
        """Reads every input of the name."""

    default_validators = [validate_starters]

    def to_python(self, value: Any) -> list[str]:
        """The texts that are not empty."""
        return [text.strip() for text in value or [] if text.strip()]


class NewGptForm(forms.Form):
    """What a GPT begins with."""

    name = forms.CharField(max_length=NAME_CHARS, error_messages=NAME_ERRORS)
    description = forms.CharField(max_length=DESCRIPTION_CHARS, required=False, error_messages=TOO_LONG)
    category = forms.ChoiceField(choices=Category.choices, required=False)

    def clean_category(self) -> str:
        """The chosen shelf, or the one for what fits no other."""
        return self.cleaned_data["category"] or Category.OTHER


class GptForm(forms.Form):
    """Everything about a GPT that its creator types or chooses, besides files and the picture."""

    name = forms.CharField(max_length=NAME_CHARS, error_messages=NAME_ERRORS)
    description = forms.CharField(max_length=DESCRIPTION_CHARS, required=False, error_messages=TOO_LONG)
    category = forms.ChoiceField(choices=Category.choices)
    instructions = LinesField(max_length=INSTRUCTIONS_CHARS, required=False, error_messages=TOO_LONG)
    starters = StartersField(required=False)
    only_from_knowledge = forms.BooleanField(required=False)
    capabilities = forms.MultipleChoiceField(
        choices=[(key, capability.title) for key, capability in CAPABILITIES.items()], required=False
    )
    files_downloadable = forms.BooleanField(required=False)
    a2a = forms.BooleanField(required=False)
    temperature = forms.FloatField(min_value=0, max_value=MAX_TEMPERATURE)
    max_tokens = forms.IntegerField(min_value=1, max_value=MAX_REPLY_TOKENS)
    face = forms.ChoiceField(choices=[("", "By its name"), *((key, key) for key in MARKS)], required=False)
    sharing = forms.ChoiceField(choices=Sharing.choices)

    @classmethod
    def of(cls, gpt: Gpt) -> "GptForm":
        """The form showing the draft of `gpt`."""
        return cls(initial={name: getattr(gpt, name) for name in (*DRAFT_FIELDS, "sharing")})

    def draft_fields(self) -> dict[str, Any]:
        """The valid fields of the draft, by name."""
        return {name: self.cleaned_data[name] for name in DRAFT_FIELDS if name in self.cleaned_data}
