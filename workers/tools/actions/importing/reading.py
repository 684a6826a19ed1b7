"""Parses the text of an untrusted OpenAPI document into plain JSON values.

A hostile document tries to exhaust the memory (aliases of aliases, merges) or the stack (nesting), or to read other
files (tags, references). YAML is first checked as a stream of events, which takes no memory, and only then built. The
result is plain JSON: text keys, no dates, no shared nodes that would be walked repeatedly.
"""

import json
import math
from collections.abc import Hashable
from typing import Any, Final

import yaml

from gpts.spec.actions import DOCUMENT_BYTES

MAX_DEPTH: Final = 120
# GitHub's document has 0.6 million values in 12 MB; real documents of 2 MB have up to 0.15 million.
MAX_VALUES: Final = 400_000
MAX_ALIASES: Final = 2_000

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ImportRefused(Exception):
    """The document cannot be used; the message tells the creator why, and where in it."""


class _Loader(_Base):
    """A safe loader for JSON's types only: dates and yes/no stay text, and merge keys are refused."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping with text keys. Raises ImportRefused for a key that is a list or mapping."""
        pairs: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise ImportRefused(f"Line {key_node.start_mark.line + 1}: a key must be text.")
            pairs[str(key_node.value)] = self.construct_object(value_node, deep=deep)
        return pairs


def _construct_map(loader: Any, node: Any) -> Any:
    made: dict[Hashable, Any] = {}
    yield made
    made.update(loader.construct_mapping(node))


_PLAIN: Final = ("bool", "int", "float", "null", "str")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag.removeprefix("tag:yaml.org,2002:") in _PLAIN]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if first not in "yYnNoO"  # YAML 1.1 reads "no", "on" and "y" as booleans; OpenAPI requires YAML 1.2
}
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_map)


def read_document(text: str) -> dict[str, Any]:
    """The OpenAPI 3.0 or 3.1 document in `text`, JSON or YAML. Raises ImportRefused."""
    text = text.lstrip("\ufeff").strip()
    if not text:
        raise ImportRefused("The document is empty.")
    if len(text.encode(errors="replace")) > DOCUMENT_BYTES:
        raise ImportRefused(f"The document is larger than {DOCUMENT_BYTES // 1_000_000} MB. Remove unused parts.")
    if text.startswith("<"):
        raise ImportRefused("This is a web page, not an OpenAPI document. Find the JSON or YAML file on it.")
    document = _plain(_parsed(text))
    _check_kind(document)
    return document


def _parsed(text: str) -> Any:
    try:
        return _json(text) if text[0] in "{[" else _yaml(text)
    except RecursionError:
        raise ImportRefused(f"The document is nested deeper than {MAX_DEPTH} levels.") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        try:  # YAML's flow style begins with a brace too
            return _yaml(text)
        except ImportRefused:
            place = f"line {error.lineno}, column {error.colno}"
            raise ImportRefused(f"This is not valid JSON ({place}): {error.msg}.") from None
    except ValueError:
        raise ImportRefused("The document has a number with too many digits.") from None


def _yaml(text: str) -> Any:
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "line 1"
        problem = (error.problem or "it can't be parsed")[:200]
        raise ImportRefused(f"This is not valid YAML ({place}): {problem}.") from None
    except yaml.YAMLError as error:
        raise ImportRefused(f"This is not valid YAML: {str(error).splitlines()[0][:200]}.") from None
    except ValueError:
        raise ImportRefused("The document has an invalid number.") from None


def _check_events(text: str) -> None:
    depth = n_aliases = 0
    for n_events, event in enumerate(yaml.parse(text, Loader=_Base)):
        n_aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ImportRefused(f"The document is nested deeper than {MAX_DEPTH} levels.")
        if n_aliases > MAX_ALIASES or n_events > 3 * MAX_VALUES:
            raise ImportRefused("The document has too many aliases or is too long.")


def _plain(value: Any) -> Any:
    """A copy with JSON values only. Counts them while copying, so that nested aliases end early."""
    left = [MAX_VALUES]

    def copy(value: Any, depth: int) -> Any:
        left[0] -= 1
        if left[0] < 0 or depth > MAX_DEPTH:
            raise ImportRefused(f"The document has more than {MAX_VALUES:,} values or {MAX_DEPTH} levels.")
        if isinstance(value, dict):
            return {_text(key): copy(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [copy(each, depth + 1) for each in value]
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, bool | int) or value is None:
            return value
        return value if isinstance(value, float) and math.isfinite(value) else str(value)

    return copy(value, 0)


def _text(value: str) -> str:
    """`value` without NUL and lone surrogates, which databases and sockets reject."""
    return value.replace("\x00", "").encode(errors="replace").decode()


def _check_kind(document: Any) -> None:
    if not isinstance(document, dict):
        raise ImportRefused('Not an OpenAPI document: it should begin with “openapi: 3.…” or {"openapi": "3.…"}.')
    if "swagger" in document:
        raise ImportRefused(
            "This is Swagger 2.0. Convert it to OpenAPI 3 first, for example with “Convert to OpenAPI 3” on"
            " editor.swagger.io, and import the result."
        )
    version = str(document.get("openapi", ""))
    if not version:
        raise ImportRefused("At “openapi”: the version is missing (3.0 or 3.1).")
    if not version.startswith(("3.0", "3.1")):
        raise ImportRefused(f"At “openapi”: version {version[:20]} is not supported; 3.0 and 3.1 are.")
    if not isinstance(document.get("paths"), dict) or not document["paths"]:
        raise ImportRefused("At “paths”: the document has no operations.")
