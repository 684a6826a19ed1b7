"""What people ask a GPT to remember, or what it remembers, read from how their messages begin."""

import re
from typing import Literal

from workers.smallmodel.phrases import pattern, phrases


def wish_of_memory(text: str) -> tuple[Literal["keep", "recall"], str, str] | None:
    """Whether `text` wants something kept or recalled, in which language, and what it says after that."""
    for lang in phrases("memory")["keep"]:
        for what in ("keep", "recall"):
            if found := _begins(text, what, lang):
                return what, lang, text[found.end() :]
    return None


def to_remember(text: str) -> str:
    """What the message `text` wants remembered, in its own words; empty if it wants nothing remembered."""
    match wish_of_memory(text):
        case ("keep", _, rest):
            lead = pattern(phrases("memory")["lead"]["any"]).match(rest)
            return rest[lead.end() if lead else 0 :].strip()
    return ""


def _begins(text: str, what: str, lang: str) -> re.Match[str] | None:
    return pattern(rf"[\W_]*(?:\w+[\s,.!]+){{0,2}}?{phrases('memory')[what][lang]}").match(text)
