"""What workers say of files, passages and sources: kept in English, and translated where a page shows it.

The texts are the sentences in the workers' code. `manage.py languages` collects them with the marked texts, and lists
them in worker_texts.json, as values are filled in where they are written and a page has to find them again.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation import gettext

from gpts.runs.plan import CALL_TOO_LONG
from web.languages import grouped

LISTED: Final = Path(__file__).with_suffix(".json")
# Where they are: Python's sentences, and the messages of TOML files.
_FOLDERS: Final = (
    "workers/knowledge",
    "workers/isolation",
    "workers/connectors",
    "workers/indexing",
    "gpts/egress",
    "workers/egress",
)
_FILES: Final = (
    "gpts/safety/addressing.py",
    "gpts/safety/hidden_characters.py",
    "gpts/safety/policy.py",
    "workers/engine/base.py",
    "workers/engine/prompts.py",
    "workers/rpc/sources.py",
    "workers/runs/loop.py",
)
# What these say is for operators, or for nobody.
_OPERATORS: Final = ("embed", "headers", "meaning", "multilingual", "rerank")
# Why a passage is not sent to the model; why an answer ended; who wrote what an answer has read.
_TAGS: Final = ("Not covered", "Score too low", "Duplicate", "No room left", CALL_TOO_LONG)
_AUTHORS: Final = (
    "the file {name}",
    "the attached file {name}",
    "the page {name}",
    "the GPT {name}",
    "the answer of {name}",
    "the Agent Card of {name}",
    "the tool descriptions of {name}",
    "the description of the GPT {name}",
    "the descriptions of GPTs in the store",
    "the results of a web search",
    "an imported chat",
    "files that it has read",
    "an external service",
)
_ERRORS: Final = ("workers/isolation/errors.py", "workers/knowledge/errors.py")
# Why a tool does not work on this site.
_REASON: Final = re.compile(r'(?m)^(?:NO_SEARCH|NOT_SET_UP|BROKEN): Final = "(.+)"$')
_SENTENCE: Final = re.compile(r"[A-Z{].* .*[a-z]{3}.*\.", re.DOTALL)
# Why a part of a file was left out: a value of a sentence.
_PHRASE: Final = re.compile(r"[a-z][a-z']*(,? [a-z0-9][a-z0-9'-]*)+")
_VALUE: Final = re.compile(r"\{\w+\}")
_FORMAT: Final = re.compile(r":[^{}]*\}")
_GROUPED: Final = re.compile(r"\d{1,3}(,\d{3})+")


def said(text: str) -> str:
    """What a worker wrote, in the page's language; what is no text of the workers stays as it is."""
    if not text or (translated := gettext(text)) != text:
        return translated if text else ""
    for pattern, template, names in _templates():
        if found := pattern.fullmatch(text):
            *values, rest = found.groups()
            filled = gettext(template).format(**dict(zip(names, map(_value, values), strict=True)))
            return f"{filled} {said(rest)}" if rest else filled
    name, colon, rest = text.partition(": ")  # of a part of the file
    return f"{name}: {said(rest)}" if colon else text


def _value(text: str) -> str:
    return grouped(int(text.replace(",", ""))) if _GROUPED.fullmatch(text) else said(text)


@cache
def _templates() -> list[tuple[re.Pattern[str], str, list[str]]]:
    """Each sentence, and text with values, as a pattern for what it becomes, with its values; longest first."""
    listed = [text for text in json.loads(LISTED.read_text("utf-8")) if _VALUE.search(text) or text.endswith(".")]
    made = []
    for text in sorted(listed, key=lambda each: len(_VALUE.sub("", each)), reverse=True):
        pattern = "(.+?)".join(map(re.escape, _VALUE.split(text))) + "(?: (.+))?"  # another sentence may follow
        made.append((re.compile(pattern, re.DOTALL), text, [each[1:-1] for each in _VALUE.findall(text)]))
    return made


def collected() -> list[str]:
    """The texts in the workers' code, with names for the values of f-strings. Needs the repository."""
    root = settings.REPOSITORY
    modules = [path for folder in _FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    modules = [path for path in modules if path.stem not in _OPERATORS] + [root / each for each in _FILES]
    found = [*_TAGS, *_AUTHORS, *(text for path in modules for text in _sentences(path))]
    for path in sorted((root / _FOLDERS[0]).rglob("*.toml")):
        found += re.findall(r'(?m)^(?:message|"[^"]+") = "([A-Z].*\.)"$', path.read_text("utf-8"))
    for path in sorted((root / "workers/tools").rglob("*.py")):
        found += _REASON.findall(path.read_text("utf-8"))
    return list(dict.fromkeys(found))


def _sentences(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    is_parser = "parsers" in path.parts
    is_errors = path.relative_to(settings.REPOSITORY).as_posix() in _ERRORS
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and is_errors:
            yield from filter(None, [ast.get_docstring(node)])
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            skipped |= {id(each) for each in ast.walk(node) if isinstance(each, ast.Constant)}
        if isinstance(node, ast.Constant) and id(node) in skipped:
            continue
        text = _text(node)
        if _SENTENCE.fullmatch(text) or (is_parser and _PHRASE.fullmatch(text)):
            yield text


def _text(node: ast.AST) -> str:
    """The text of a string or f-string, whose values are named by their numbers; empty for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _FORMAT.sub("}", node.value)
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts, n = [], 0
    for each in node.values:
        if isinstance(each, ast.Constant):
            parts.append(str(each.value))
        else:
            n += 1
            parts.append(f"{{v{n}}}")
    return "".join(parts)
