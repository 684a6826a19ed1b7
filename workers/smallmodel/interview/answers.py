"""Reads what a person answers to a question of the interview, by rules: fields of the draft, or what is wrong."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gpts.runs.background import Draft
from gpts.spec.gpt import DESCRIPTION_CHARS, INSTRUCTIONS_CHARS, NAME_CHARS, STARTER_CHARS, STARTERS

TEXTS: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("texts.toml").read_text("utf-8"))
_MOST_CHARS: Final = 1_000
_PATTERNS: Final = {name: re.compile(text, re.IGNORECASE) for name, text in TEXTS["patterns"].items()}
_LEADS: Final = {lang: re.compile(text, re.IGNORECASE) for lang, text in TEXTS["leads"].items()}
_ABILITIES: Final[Mapping[str, Sequence[str]]] = TEXTS["abilities"]
# What a model that calls no tools can use.
USABLE: Final = ("web_browsing", "image_generation", "code_interpreter")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?。！？])\s*")
_LIST_MARK: Final = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s*")
_LETTER: Final = re.compile(r"[^\W\d_]")
_HAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_QUOTES: Final = " \t\n.,:;!\"'“”„«»‘’*_"
_STOP: Final = frozenset(TEXTS["stop"]["words"].split())


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer says: `fields` to fill in, or as `fault` what is wrong with it; `note` is for the person."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    fault: str = ""
    suggest: tuple[str, ...] = ()


def says(pattern: str, text: str) -> re.Match[str] | None:
    """Whether `text` as a whole is what this one of the patterns describes. Longer texts are answers."""
    if len(text) > _MOST_CHARS:
        return None
    return _PATTERNS[pattern].fullmatch(text.strip().rstrip(".!。").strip() or text.strip())


def says_yes(text: str) -> bool:
    """Whether `text` says yes, with or without thanks: "perfect, thank you"."""
    return bool(says("yes", _PATTERNS["thanking"].sub("", text).strip(_QUOTES + "，！")))


def text_of(lang: str, name: str, /, **filled: object) -> str:
    """The text of this name in the language, in English if there is none."""
    return str(TEXTS.get(lang, TEXTS["en"])[name]).format(**filled)


def read_answer(question: str, text: str, draft: Draft, lang: str) -> Answer:
    """What `text` answers to the question of this name."""
    match question:
        case "purpose":
            return _purpose(text, draft, lang)
        case "name":
            return _name(text, lang, suggested_name(draft.description, lang))
        case "starters":
            return _starters(text, draft, lang)
        case "files":
            return _files(text, lang)
        case "tools":
            return _tools(text, draft)
        case "category":
            named = (
                key for key, title in draft.categories if text.strip(_QUOTES).casefold() in (key, title.casefold())
            )
            key = next(named, "")
            return Answer({"category": key}) if key else Answer(fault=text_of(lang, "again"))
        case "instructions":
            return line("", text, draft, lang)
        case "limits" if not says("negative", text):
            text = text_of(lang, "never", text=text)
    return line(question, text, draft, lang)


def is_words(text: str) -> bool:
    """Whether `text` says anything: two letters at least, or one of a script without letters."""
    return len(_LETTER.findall(text)) >= 2 or bool(_HAN.search(text))


def _purpose(text: str, draft: Draft, lang: str) -> Answer:
    if len(text.split()) < 2 and not (_HAN.search(text) and len(text) >= 4):
        return Answer(fault=text_of(lang, "again"))
    purpose = _without_lead(" ".join(text.split()))
    answer = line("purpose", purpose, draft, lang)
    return answer if answer.fault else Answer({"description": _shortened(purpose), **answer.fields}, answer.note)


def _without_lead(text: str) -> str:
    for lang, lead in _LEADS.items():
        found = lead.match(text)
        if found and found.end() and (rest := text[found.end() :]):
            kind = TEXTS["kinds"][lang] if lang != "en" or _PATTERNS["goes_on"].match(rest) else ""
            return kind + rest if kind else rest[0].upper() + rest[1:]
    return text[0].upper() + text[1:]


def _shortened(text: str) -> str:
    """The first sentences of `text` that fit a description, or as many words."""
    if len(text) <= DESCRIPTION_CHARS:
        return text
    kept = ""
    for sentence in _SENTENCE_END.split(text):
        if len(kept) + len(sentence) + 1 > DESCRIPTION_CHARS:
            break
        kept = f"{kept} {sentence}".strip()
    return kept or text[: DESCRIPTION_CHARS - 1].rsplit(" ", 1)[0] + "…"


def suggested_name(purpose: str, lang: str) -> str:
    """A name made of the words of an English purpose that say what it is about; empty if there are none."""
    if lang != "en" or not purpose:
        return ""
    purpose = re.sub(f"^{TEXTS['kinds']['en']}{_PATTERNS['goes_on'].pattern}", "", purpose)
    first = re.split(r"[.!?,;:(]| for | so that | who | that | because | when | without ", purpose)[0]
    about = re.split(r" (?:about|with|on|of) ", first, maxsplit=1)
    words = [word for word in re.findall(r"[^\W\d_][\w’'&-]*", about[-1]) if word.casefold() not in _STOP]
    name = " ".join(word[0].upper() + word[1:] for word in words[-2:])
    return f"{name} Helper" if name and len(name) + 7 <= NAME_CHARS else ""


def _name(text: str, lang: str, suggested: str) -> Answer:
    if says_yes(text):
        return Answer({"name": suggested}) if suggested else Answer(fault=text_of(lang, "again"))
    lead = _PATTERNS["name_lead"].match(text.strip())
    name = " ".join(text.strip()[lead.end() if lead else 0 :].split()).strip(_QUOTES)
    if says("no", text) or not is_words(name):
        return Answer(fault=text_of(lang, "again"))
    if len(name) > NAME_CHARS:
        return Answer(fault=text_of(lang, "too_long", n=len(name), most=NAME_CHARS))
    return Answer({"name": name})


def line(question: str, text: str, draft: Draft, lang: str) -> Answer:
    """The instructions with the answer as their line on this question, in place of an earlier one.

    Without a question, the answer takes their place.
    """
    said = " ".join(text.split())
    if not is_words(said):
        return Answer(fault=text_of(lang, "again"))
    whole = _with_line(draft.instructions, question, said, lang) if question else text.strip()
    if len(whole) > INSTRUCTIONS_CHARS:
        return Answer(fault=text_of(lang, "full", n=len(whole), most=INSTRUCTIONS_CHARS))
    return Answer({"instructions": whole})


def _with_line(instructions: str, question: str, said: str, lang: str) -> str:
    labels = tuple(f"{TEXTS[each]['lines'][question]}: " for each in TEXTS if "lines" in TEXTS[each])
    earlier = instructions.split("\n") if instructions.strip() else []
    new = f"{TEXTS.get(lang, TEXTS['en'])['lines'][question]}: {said[0].upper()}{said[1:]}"
    at = next((n for n, each in enumerate(earlier) if each.startswith(labels)), len(earlier))
    at = len(earlier) if question == "also" else at
    return "\n".join([*earlier[:at], new, *earlier[at + 1 :]])


def _starters(text: str, draft: Draft, lang: str) -> Answer:
    if says("no", text):
        return Answer()
    parts = text.splitlines()
    if len([part for part in parts if part.strip()]) == 1:
        parts = re.split(r"(?<=[?？])\s*(?:,|;|/|and |or |und |et |y )?\s*|;\s*|\s/\s", text)
    found = [" ".join(_LIST_MARK.sub("", part).split()).strip('"“”„«» ') for part in parts]
    found = [each for each in dict.fromkeys(found) if is_words(each)]
    fitting = [each for each in found if len(each) <= STARTER_CHARS]
    if not fitting:
        fault = text_of(lang, "too_long", n=max(map(len, found)), most=STARTER_CHARS) if found else ""
        return Answer(fault=fault or text_of(lang, "again"))
    note = text_of(lang, "one_too_long", most=STARTER_CHARS) if len(fitting) < len(found) else ""
    return Answer({"starters": list(dict.fromkeys([*draft.starters, *fitting]))[:STARTERS]}, note)


def _files(text: str, lang: str) -> Answer:
    if says("no", text):
        return Answer({"only_from_knowledge": False})
    is_yes = says("yes", re.split(r"[,.;!]| - | but | aber | mais | pero ", text.strip(), maxsplit=1)[0])
    is_only = bool(_PATTERNS["only"].search(text)) and not _PATTERNS["also"].search(text)
    if not (is_yes or is_only or _PATTERNS["papers"].search(text)):
        return Answer(fault=text_of(lang, "again"))
    return Answer({"only_from_knowledge": is_only}, text_of(lang, "add_files"), suggest=("files",))


def _tools(text: str, draft: Draft) -> Answer:
    offered = [key for key, _ in draft.offered if key in USABLE]
    wanted = _PATTERNS["without"].sub(" ", text.casefold())
    titles = {key: title.casefold() for key, title in draft.offered}
    named = [key for key in offered if titles[key] in wanted or any(word in wanted for word in _ABILITIES[key])]
    others = [key for key in draft.capabilities if key not in USABLE]
    return Answer({"capabilities": [*others, *(offered if says("all", text) else named)]})
