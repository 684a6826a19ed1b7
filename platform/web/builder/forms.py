"""The creator's form, with the limits of `gpts.spec`. Valid fields are saved even if others are invalid."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy
from pydantic import ValidationError as PydanticError

from gpts.knowledge.languages import LANGUAGES
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import (
    DESCRIPTION_CHARS,
    INSTRUCTIONS_CHARS,
    LEAST_TOP_P,
    MAX_REPLY_TOKENS,
    MAX_TEMPERATURE,
    MODEL_FIELDS,
    NAME_CHARS,
    WHEN_CHARS,
)
from gpts.spec.inputs import Input, shown_value
from web.accounts.models import User
from web.builder.categories import OTHER, categories
from web.builder.delegates import DelegateEntry, field_name
from web.builder.faces import MARKS
from web.builder.listing import wanted_sharing
from web.builder.models import SPEC_FIELDS, UNSUPPORTED, Gpt, validate_inputs, validate_starters
from web.builder.models_access import Sharing
from web.builder.services import engines_for
from web.engines import DEFAULT, DEFAULT_TITLE, answering, named, silence, title_of
from web.languages import titled

DRAFT_FIELDS = (*SPEC_FIELDS, "category", "language", *MODEL_FIELDS, "face")
# Of fields whose names are not their labels in the form.
LABELS = {
    "name": gettext_lazy("Name"),
    "description": gettext_lazy("Description"),
    "instructions": gettext_lazy("Instructions"),
    "starters": gettext_lazy("Conversation starters"),
    "inputs": gettext_lazy("Inputs"),
    "category": gettext_lazy("Category"),
    "sharing": gettext_lazy("Who can chat with it"),
    "temperature": gettext_lazy("Temperature"),
    "top_p": gettext_lazy("Top P"),
    "max_tokens": gettext_lazy("Maximum reply length (tokens)"),
    "engine": gettext_lazy("Model"),
}
TOO_LONG = {"max_length": gettext_lazy("Too long: %(show_value)d of %(limit_value)d characters.")}
NAME_ERRORS = {**TOO_LONG, "required": gettext_lazy("Enter a name.")}


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


INPUT_PARTS = ("name", "title", "description", "kind", "required", "default", "options", "minimum", "maximum")


class InputsField(forms.Field):
    """Inputs: rows of elements called `input-name`, `input-title` …; rows without a name and a label are ignored."""

    class widget(forms.Widget):
        """Reads the rows."""

        def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
            """The texts of each row, by part."""
            columns = [data.getlist(f"input-{part}") for part in INPUT_PARTS]
            return [dict(zip(INPUT_PARTS, row, strict=False)) for row in zip(*columns, strict=False)]

    default_validators = [validate_inputs]

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """The inputs, without what they have by default. What is no input stays as it is, for the validator."""
        rows = [input_of(row) for row in value or [] if row.get("name", "").strip() or row.get("title", "").strip()]
        return [_in_short(row) for row in rows]


def input_of(row: dict[str, str]) -> dict[str, Any]:
    """The fields of an input in the texts of a row."""
    texts = {part: row.get(part, "").strip() for part in INPUT_PARTS}
    name = texts["name"] or slugify(texts["title"]).replace("-", "_")[:40]
    shown = {"title": texts["title"], "description": texts["description"]}
    fields: dict[str, Any] = {"name": name, **shown, "kind": texts["kind"] or "text"}
    fields["required"] = texts["required"] == "yes"
    if fields["kind"] == "choice":
        fields["options"] = list(dict.fromkeys(filter(None, map(str.strip, texts["options"].split(",")))))
    if fields["kind"] in ("text", "number"):
        fields |= {part: _number(texts[part]) for part in ("minimum", "maximum") if texts[part]}
    if texts["default"]:
        kind = fields["kind"]
        is_yes = texts["default"].casefold() in ("yes", "true", "on", "1")
        fields["default"] = (
            is_yes if kind == "yes_no" else _number(texts["default"]) if kind == "number" else texts["default"]
        )
    return fields


def _row_of(fields: dict[str, Any]) -> dict[str, str]:
    texts = {part: shown_value(fields[part]) if part in fields else "" for part in INPUT_PARTS}
    return texts | {"kind": fields.get("kind", "text"), "options": ", ".join(fields.get("options", ()))}


def _number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _in_short(fields: dict[str, Any]) -> dict[str, Any]:
    try:
        return Input.model_validate(fields).model_dump(mode="json", exclude_defaults=True)
    except PydanticError:
        return fields


class NewGptForm(forms.Form):
    """The fields of a new GPT."""

    name = forms.CharField(max_length=NAME_CHARS, error_messages=NAME_ERRORS)
    description = forms.CharField(max_length=DESCRIPTION_CHARS, required=False, error_messages=TOO_LONG)
    category = forms.ChoiceField(choices=lambda: list(categories().items()), required=False)

    def clean_category(self) -> str:
        """The chosen category; default: Other."""
        return self.cleaned_data["category"] or OTHER


class GptForm(NewGptForm):
    """Everything about a GPT except files, picture and external services."""

    category = forms.ChoiceField(choices=lambda: list(categories().items()))
    language = forms.ChoiceField(
        choices=lambda: [("", gettext("Detect automatically")), *titled(LANGUAGES)], required=False
    )
    instructions = LinesField(max_length=INSTRUCTIONS_CHARS, required=False, error_messages=TOO_LONG)
    starters = StartersField(required=False)
    inputs = InputsField(required=False)
    only_from_knowledge = forms.BooleanField(required=False)
    unsupported = forms.ChoiceField(choices=[(key, gettext_lazy(text)) for key, text in UNSUPPORTED.items()])
    capabilities = forms.MultipleChoiceField(
        choices=[(key, capability.title) for key, capability in CAPABILITIES.items()], required=False
    )
    delegates_to_all = forms.BooleanField(required=False)
    delegates_to_store = forms.BooleanField(required=False)
    takes_questions = forms.BooleanField(required=False)
    files_downloadable = forms.BooleanField(required=False)
    a2a = forms.BooleanField(required=False)
    temperature = forms.FloatField(min_value=0, max_value=MAX_TEMPERATURE)
    top_p = forms.FloatField(min_value=LEAST_TOP_P, max_value=1)
    max_tokens = forms.IntegerField(min_value=1, max_value=MAX_REPLY_TOKENS, required=False)
    face = forms.ChoiceField(
        choices=[("", gettext_lazy("Automatic")), *((key, key) for key in MARKS)], required=False
    )
    sharing = forms.ChoiceField(choices=Sharing.choices)
    # The draft's revision that the page shows. A page from before there was one sends none.
    revision = forms.IntegerField(required=False)
    # A newer revision that the person chose to overwrite.
    overwrite = forms.IntegerField(required=False)

    def __init__(self, gpt: Gpt, by: User, data: QueryDict | None = None) -> None:
        """Shows the draft of `gpt` to `by`, or what they sent. Each GPT that it asks has a field for when to."""
        initial = {name: getattr(gpt, name) for name in DRAFT_FIELDS}
        super().__init__(data, initial={**initial, "sharing": wanted_sharing(gpt)})
        self.by = by
        if by.pk != gpt.owner_id:  # the owner's alone
            del self.fields["sharing"]
        self.slugs = list(gpt.delegates.values_list("delegate__slug", flat=True))
        for slug in self.slugs:
            line = forms.CharField(max_length=WHEN_CHARS, required=False, error_messages=TOO_LONG)
            self.fields[field_name(slug)] = line
        entries = engines_for(gpt.owner, by=by)
        del entries[DEFAULT]
        self.usual = named(answering(""))
        default = " · ".join(dict.fromkeys(map(gettext, (DEFAULT_TITLE, title_of(answering(""))))))
        owners = engines_for(gpt.owner, by=gpt.owner)
        if gpt.engine in owners:  # stays, also where the person may not choose it
            entries[gpt.engine] = owners[gpt.engine]
        choices = {"": default} | {name: entry.title for name, entry in entries.items()}
        self.lost_engine = "" if gpt.engine in choices else gpt.engine
        if self.lost_engine:
            choices[gpt.engine] = gettext("{engine} (no longer offered)").format(engine=gpt.engine)
        self.silent = [text for name in (answering(""), *entries) if (text := silence(name))]
        self.fields["engine"] = forms.ChoiceField(choices=list(choices.items()), required=False)
        # A page from before there were inputs sends none.
        if self.is_bound and "inputs-shown" not in self.data:
            del self.fields["inputs"]
        for name in ("top_p", "language", "unsupported"):
            if self.is_bound and name not in self.data:
                del self.fields[name]
        # Nor a choice of models.
        if len(choices) == 1 or (self.is_bound and "engine" not in self.data):
            del self.fields["engine"]

    def input_rows(self) -> list[dict[str, str]]:
        """The texts of the rows of inputs, as sent or else as saved."""
        if "inputs" not in self.fields or not self.is_bound:
            return [_row_of(each) for each in self.initial["inputs"]]
        return [row for row in self["inputs"].value() if row["name"].strip() or row["title"].strip()]

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
