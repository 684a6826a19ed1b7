"""The models beside the site's own: those in a TOML file, those that operators connected, and who may choose them.

The file is read once, with the settings; the table of connected ones at most every KEEP_S in each process. A key is
in `SecretStr`, so that it is never printed, logged or shown.
"""

import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from gpts.egress.config import only_server
from gpts.egress.errors import EgressRefused
from gpts.spec.gpt import ENGINE_NAME

# The name of the engine that the settings describe (ENGINE, BASE_MODEL, ENGINE_URL ...), and that of no fallback.
DEFAULT: Final = "default"
NO_FALLBACK: Final = "none"
DEFAULT_TITLE: Final = "Default model"
# That of the default engine where GPTs that name none get a connected one.
OWN_TITLE: Final = "The site’s own model"
# What the default engine's table may have; the settings say the rest.
OF_DEFAULT: Final = frozenset({"title", "fallback", "context_tokens", "input_price", "output_price"})
# What may be overridden of a model's ability, beside the number READS. The engine sets the context length.
Ability = Literal[
    "calls_tools", "writes_from_sources", "keeps_to_sources", "breaks_ties", "verifies", "sees_images", "reasons"
]
READS: Final = "reads_tokens"
MOST_READS: Final = 10_000_000
KEEP_S: Final = 2.0


class NamedEngine(BaseModel):
    """One model. `title` is its name for people.

    `fallback` names the one that answers while it is down; "none": nothing does. `context_tokens` 0: as its server
    says. `ability` and `reads_tokens` override what is known of the model. Prices are US dollars per million tokens.
    `groups` names those whose people may choose it if only groups may; admins may choose any.
    `is_picked`: it answers for GPTs that name none. `measured`: what is known of its ability.
    `is_ready`: whether its server answered a worker last; None: nobody knows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = ""
    model: str = ""
    key: SecretStr = SecretStr("")
    key_env: str = ""
    title: str = Field("", max_length=60)
    fallback: str = DEFAULT
    allowed: Literal["everyone", "groups", "operators"] = "everyone"
    groups: tuple[str, ...] = ()
    is_picked: bool = False
    measured: dict[str, int] = {}
    is_ready: bool | None = None
    context_tokens: int = Field(0, ge=0)
    ability: dict[Ability, bool] = {}
    reads_tokens: int | None = Field(None, ge=0, le=MOST_READS)
    input_price: float | None = Field(None, ge=0)
    output_price: float | None = Field(None, ge=0)

    @property
    def overrides(self) -> dict[str, int]:
        """Fields of ModelAbility."""
        numbers = () if self.reads_tokens is None else ((READS, self.reads_tokens),)
        return dict[str, int]((*self.ability.items(), *numbers))

    @property
    def known(self) -> dict[str, int]:
        """Fields of ModelAbility that were measured or overridden."""
        return {**self.measured, **self.overrides}

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars; None without prices."""
        if self.input_price is None and self.output_price is None:
            return None
        return (prompt_tokens * (self.input_price or 0) + completion_tokens * (self.output_price or 0)) / 1e6


Engines = Mapping[str, NamedEngine]
ONLY_DEFAULT: Final[Engines] = MappingProxyType({DEFAULT: NamedEngine(title=DEFAULT_TITLE, fallback=NO_FALLBACK)})

# When the connected ones were read, and what they were. Two threads that read at once read the same.
_kept: tuple[float, Engines] = (float("-inf"), {})


def engines() -> Engines:
    """All models by name, the default one first. Without a database, those of the file."""
    if time.monotonic() - _kept[0] > KEEP_S:
        try:
            rows = apps.get_model("operate", "ConnectedModel").objects.select_related("record")
            forget({row.name: row.entry() for row in rows.prefetch_related("groups")})
        except DatabaseError:  # commands such as `bench` work without one
            forget({})
    return joined(_kept[1]) if _kept[1] else settings.ENGINES


def forget(kept: Engines | None = None) -> None:
    """Read the connected models again at the next look; with `kept`, take these for them for KEEP_S."""
    global _kept
    _kept = (float("-inf"), {}) if kept is None else (time.monotonic(), kept)


def joined(connected: Engines) -> Engines:
    """The engines of the file and the connected ones, which count where both describe one.

    Forms refuse fallbacks that contradict each other; if a changed file makes some, connected ones have none.
    """
    found = {**settings.ENGINES, **connected}
    if strays(found) or circle(found):
        alone = {name: entry.model_copy(update={"fallback": NO_FALLBACK}) for name, entry in connected.items()}
        found = {**settings.ENGINES, **alone}
    own = found[DEFAULT]
    if answering("", found) != DEFAULT and own.title == DEFAULT_TITLE:
        found[DEFAULT] = own.model_copy(update={"title": OWN_TITLE})
    return found


def answering(name: str, among: Engines | None = None) -> str:
    """The engine of a GPT that names `name`: where that is none, or gone, what an operator picked, or the default."""
    found = engines() if among is None else among
    picked = (each for each, entry in found.items() if entry.is_picked and entry.allowed == "everyone")
    return name if name in found else next(picked, DEFAULT)


def strays(found: Engines) -> list[str]:
    """The names of those whose fallback is not among them."""
    return [name for name, entry in found.items() if entry.fallback not in (NO_FALLBACK, *found)]


def circle(found: Engines) -> list[str]:
    """The names in a circle of fallbacks, in their order; empty if there is none. Each fallback must be `found`."""
    for name in found:
        line = [name]
        while (following := found[line[-1]].fallback) != NO_FALLBACK:
            line.append(following)
            if following in line[:-1]:
                return line
    return []


def read_engines(file: Path, read: Callable[[str], str]) -> tuple[Engines, list[str]]:
    """The engines in `file` by name, the default one always among them; and what is wrong with it, as sentences.

    `read` returns the value of an environment variable. A file with anything wrong counts as empty.
    """
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return ONLY_DEFAULT, []
    except (OSError, ValueError) as error:
        return ONLY_DEFAULT, [f"It can't be read: {error}."]
    found, wrong = dict(ONLY_DEFAULT), list[str]()
    for name, table in tables.items():
        try:
            found[name] = _engine(name, table, read)
        except ValidationError as error:
            wrong += [f"[{name}] {_in_words(each)}" for each in error.errors(include_input=False)]
        except ValueError as error:
            wrong.append(f"[{name}] {error}")
    wrong = wrong or list(_contradictions(found))
    return (ONLY_DEFAULT if wrong else MappingProxyType(found)), wrong


def _engine(name: str, table: Any, read: Callable[[str], str]) -> NamedEngine:
    """The engine of one table. Raises ValueError, whose message never holds a key."""
    if not isinstance(table, dict):
        raise ValueError("must be a table: put the settings of each model under its name in brackets.")
    if name == DEFAULT:
        if others := sorted(table.keys() - OF_DEFAULT):
            raise ValueError(f"can't have {others[0]}: the default model is set with ENGINE, BASE_MODEL, ENGINE_URL.")
        return NamedEngine.model_validate({"title": DEFAULT_TITLE, "fallback": NO_FALLBACK, **table})
    if name == NO_FALLBACK or not re.fullmatch(ENGINE_NAME, name):
        raise ValueError("is no name: use up to 40 lower-case letters, digits and hyphens, and not “none”.")
    entry = NamedEngine.model_validate({"title": name, **table})
    _check_address(entry)
    if entry.key_env:
        if not (key := read(entry.key_env)):
            raise ValueError(f"needs the environment variable {entry.key_env}, which is not set.")
        entry = entry.model_copy(update={"key": SecretStr(key)})
    return entry


def _check_address(entry: NamedEngine) -> None:
    if not entry.model:
        raise ValueError("needs model: the model's name at its server.")
    if "@" in entry.url or "?" in entry.url:
        raise ValueError("has a url with a password or a query: put the key into key or key_env.")
    try:
        only_server(entry.url)
    except EgressRefused:
        raise ValueError("needs url: a full URL that starts with http:// or https://.") from None
    if entry.key_env and entry.key.get_secret_value():
        raise ValueError("has both key and key_env: keep one.")


def _in_words(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"has the unknown key {place}. It can have: {', '.join(NamedEngine.model_fields)}."
    return f"{place}: {error['msg']}."


def _contradictions(found: Engines) -> Iterator[str]:
    titles = [entry.title for entry in found.values()]
    for name, entry in found.items():
        if titles.count(entry.title) > 1:
            yield f"[{name}] has the title “{entry.title}”, and so has another model."
    lost = strays(found)
    for name in lost:
        yield f"[{name}] falls back to {found[name].fallback}, which is not in the file."
    if not lost and (line := circle(found)):
        yield f'[{line[0]}] falls back in a circle: {" → ".join(line)}. Set fallback = "none" for one of them.'


def title_of(name: str) -> str:
    """The model's name for people; empty: the default one. One that is gone has only its name.

    Of the default one that of the model that a worker has loaded, unless the file gives it a title.
    """
    entry = engines().get(name or DEFAULT)
    if entry and entry.title in (DEFAULT_TITLE, OWN_TITLE):
        loaded = apps.get_model("operate", "MeasuredModel").objects.exclude(seen_at=None).first()
        return str(loaded.title) if loaded else entry.title
    return entry.title if entry else name


def named(name: str) -> str:
    """The same within a sentence."""
    title = title_of(name)
    return {DEFAULT_TITLE: gettext("the default model"), OWN_TITLE: gettext("the site’s own model")}.get(title, title)


def silence(name: str) -> str:
    """What people read of the model called `name` while its server doesn't answer; empty if it does."""
    found = engines()
    if name not in found or found[name].is_ready is not False:
        return ""
    instead = found[name].fallback
    while instead in found and found[instead].is_ready is False:
        instead = found[instead].fallback
    if instead not in found:
        return gettext("{title} doesn’t answer now, and no other model stands in.").format(title=title_of(name))
    words = gettext("{title} doesn’t answer now, so {instead} answers.")
    return words.format(title=title_of(name), instead=named(instead))


def offered(person: Any, among: Engines | None = None) -> dict[str, NamedEngine]:
    """The engines that `person` may choose for a GPT (`among` these, or all of now), the default one first."""
    found = engines() if among is None else among
    return {name: entry for name, entry in found.items() if _may_choose(person, entry)}


def _may_choose(person: Any, entry: NamedEngine) -> bool:
    if entry.allowed == "everyone" or person.is_staff:
        return True
    return entry.allowed == "groups" and bool(person.groups.filter(name__in=entry.groups).exists())
