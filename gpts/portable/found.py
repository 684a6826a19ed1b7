"""What an import found: a GPT with all that belongs to it, and what of it could not be carried over.

Every source ends here, so that there is one way from a file to a draft. `Fields` fits what other systems allow into
the limits of this one and notes each loss.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pydantic import ConfigDict

from gpts.portable.package import Authentication, Package, PackedAction, PackedFile, PackedModel
from gpts.spec.actions import MAX_ACTIONS, NAME_CHARS
from gpts.spec.gpt import (
    DESCRIPTION_CHARS,
    INSTRUCTIONS_CHARS,
    MAX_REPLY_TOKENS,
    MAX_TEMPERATURE,
    STARTER_CHARS,
    STARTERS,
)
from gpts.spec.gpt import NAME_CHARS as GPT_NAME_CHARS

NAMELESS: Final = "Imported GPT"


@dataclass(frozen=True, slots=True)
class Found:
    """A GPT from `source`. `texts` and `pictures` are what the package's paths name, unless an archive holds it.

    `notes` say what could not be carried over or has to be set up, for the person who imports it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    source: str
    package: Package
    texts: Mapping[str, str] = field(default_factory=dict)
    picture: bytes = b""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Fields:
    """The fields of a GPT of another system, collected and then fitted into a package."""

    source: str
    name: str = ""
    description: str = ""
    instructions: str = ""
    starters: list[str] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    temperature: Any = None
    max_tokens: Any = None
    picture: bytes = b""
    actions: list[PackedAction] = field(default_factory=list)
    files: list[PackedFile] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add_action(self, document: str, auth: Authentication, name: str = "", privacy_url: str = "") -> None:
        """An action by its OpenAPI document."""
        if len(self.actions) == MAX_ACTIONS:
            self.notes.append(f"More than {MAX_ACTIONS} actions: “{name or 'one'}” was left out.")
            return
        path = f"actions/{len(self.actions) + 1}"
        self.texts[path] = document
        url = privacy_url if len(privacy_url) <= 500 else ""
        self.actions.append(PackedAction(name=name[:NAME_CHARS], document=path, auth=auth, privacy_url=url))

    def add_text_file(self, name: str, text: str) -> None:
        """A knowledge file whose text the export holds."""
        path = f"files/{len(self.files) + 1}"
        self.texts[path] = text
        self.files.append(PackedFile(name=name[:200] or "file.txt", path=path))

    def found(self) -> Found:
        """The GPT, with what did not fit in the notes."""
        fitted = {
            "name": self._fitted("Name", " ".join(self.name.split()), GPT_NAME_CHARS) or NAMELESS,
            "description": self._fitted("Description", self.description.strip(), DESCRIPTION_CHARS),
            "instructions": self._fitted("Instructions", self.instructions.strip(), INSTRUCTIONS_CHARS),
            "starters": self._starters(),
            "capabilities": tuple(dict.fromkeys(self.capabilities)),
            "model": self._model(),
        }
        package = Package(**fitted, actions=tuple(self.actions), files=tuple(self.files))
        return Found(self.source, package, self.texts, self.picture, tuple(dict.fromkeys(self.notes)))

    def _fitted(self, label: str, text: str, most: int) -> str:
        if len(text) <= most:
            return text
        self.notes.append(f"{label} had {len(text):,} characters: the first {most:,} were kept.")
        return text[:most]

    def _starters(self) -> tuple[str, ...]:
        given = [text for each in self.starters if (text := " ".join(each.split()))]
        if len(given) > STARTERS:
            self.notes.append(f"There were {len(given)} conversation starters: the first {STARTERS} were kept.")
        return tuple(self._fitted("A conversation starter", each, STARTER_CHARS) for each in given[:STARTERS])

    def _model(self) -> PackedModel:
        given: dict[str, Any] = {}
        if _is_number(self.temperature):
            given["temperature"] = min(max(float(self.temperature), 0.0), MAX_TEMPERATURE)
        if _is_number(self.max_tokens) and self.max_tokens >= 1:
            given["max_tokens"] = int(min(self.max_tokens, MAX_REPLY_TOKENS))
        return PackedModel(**given)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # no NaN


def text_of(value: Any) -> str:
    """`value` if it is a text, without NUL, else an empty one: exports have null where nothing was entered."""
    return value.replace("\x00", "") if isinstance(value, str) else ""


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; empty for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts_of(value: Any) -> list[str]:
    """The texts in a list that are not empty; empty for anything else."""
    return [text for each in value if (text := text_of(each)).strip()] if isinstance(value, list) else []


def object_of(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(names: Iterable[str], most: int = 8) -> str:
    """The names in one line, with how many more there are."""
    every = [name for name in names if name]
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
