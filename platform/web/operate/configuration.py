"""What each setting of the site does and where it is set, for operators. Values are not shown: some are secrets."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from django.conf import settings

from web.accounts import live_settings
from web.accounts.models import QuotaLimit
from web.accounts.quotas import KINDS

HEADING: Final = re.compile(r"# --- (.+?) -+")
SETTING: Final = re.compile(r"#([A-Z_]+)=(.*)")


@dataclass(frozen=True, slots=True)
class Described:
    """Settings that are described together: their names with their defaults."""

    part: str
    text: str
    defaults: dict[str, str] = field(default_factory=dict)


@cache
def described() -> tuple[Described, ...]:
    """Every setting, as deploy/env.example describes it."""
    found: list[Described] = []
    part, words = "", list[str]()
    for line in (settings.REPOSITORY / "deploy/env.example").read_text("utf-8").splitlines():
        if heading := HEADING.fullmatch(line):
            part, words = heading[1], []
        elif setting := SETTING.fullmatch(line):
            if words:
                found.append(Described(part, " ".join(words)))
                words = []
            found[-1].defaults[setting[1]] = setting[2]
        elif part and line:
            words.append(line.removeprefix("# "))
    return tuple(found)


def parts() -> Iterator[tuple[str, int, list[tuple[str, list[tuple[str, str]]]]]]:
    """The settings by part: its title, how many are set, and texts with the names and where each is set."""
    on_page = _on_page()
    for title in dict.fromkeys(each.part for each in described()):
        rows = [
            (each.text, [(name, _state(name, default, on_page)) for name, default in each.defaults.items()])
            for each in described()
            if each.part == title
        ]
        yield title, sum(state.startswith("Set ") for _, names in rows for _, state in names), rows


def _on_page() -> set[str]:
    kinds = QuotaLimit.objects.filter(user=None, group=None).values_list("kind", flat=True)
    return {KINDS[kind].setting for kind in kinds if kind in KINDS} | set(
        filter(live_settings.is_overridden, live_settings.NAMES)
    )


def _state(name: str, default: str, on_page: set[str]) -> str:
    if name in on_page:
        page = next((each.get("page", "services") for each in live_settings.SERVICES if name in each["fields"]), "")
        return {"services": "Set on the page Services", "site": "Set on the page Site details"}.get(
            page, "Set on this page"
        )
    if f"{name}_FILE" in os.environ:
        return f"Set by {name}_FILE"
    if name in os.environ:
        return "Set in the environment"
    return f"Default: {default}" if default else "Not set"
