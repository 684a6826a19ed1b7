"""No pattern takes more than a second for 100 kB of any shape: those that hold a process did so for minutes.

A new pattern is tried by itself. One that a function makes while it runs, and one that only short texts reach, needs
a line below.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from gpts.safety.addressing import OVERLAP_CHARS, PIECE_CHARS
from gpts.safety.formulas import formulas
from tests.hostile.limits import CHARS, is_quick
from tests.hostile.patterns import Found, modules, source, uses
from tests.hostile.shapes import SHAPES, shapes_against, text_of
from workers.smallmodel.phrases import phrases
from workers.smallmodel.routing.cues import MOST_CHARS, signs

# Patterns for texts of the project's own: what operators and developers run.
TRUSTED = re.compile(
    r"workers\.(bench|training|smallmodel\.routing\.training|management)\b|web\.(catalogs|worker_texts)\b"
)
# The most that reaches a pattern, cut by the code before it.
SHORT = {
    "workers.knowledge.parsers.source:_DEFINITIONS": 240,  # _MAX_DEFINITION_CHARS
    "workers.knowledge.parsers.source:_C_FUNCTION": 240,
    "workers.knowledge.text_types:_CODE_SIGNS": 300,  # _is_code cuts lines
    "workers.knowledge.text_types:_CODE_COMMENT": 300,
    "workers.knowledge.text_types:_SETTING": 300,
    "workers.knowledge.text_types:_YAML": 300,
    "workers.knowledge.text_types:_INI": 300,
    "workers.knowledge.parsers.xlsx.number_formats:_TOKEN": 255,  # _MAX_CODE_CHARS
    "workers.knowledge.parsers.xlsx.number_formats:_sections": 255,
    "workers.knowledge.parsers.xlsx.number_formats:_date": 255,
    "workers.knowledge.parsers.xlsx.number_formats:_clock": 255,
    "workers.knowledge.parsers.xlsx.number_formats:_day": 255,
    "workers.smallmodel.arguments.arithmetic:_ASKING": 300,  # _MAX_CHARS, also of the next ones
    "workers.smallmodel.arguments.arithmetic:_ENDING": 300,
    "workers.smallmodel.arguments.images:_CLOSING": 500,
    "workers.smallmodel.arguments.web:_CLOSING": 500,
    "workers.smallmodel.arguments.of_schemas:_EMAIL": 1_000,
    "workers.smallmodel.arguments.of_schemas:_QUOTED": 1_000,
    "workers.smallmodel.arguments.of_schemas:_TEXT_FORMATS": 1_000,
    "gpts.spec.answers:_QUESTION": 200,  # _BEGIN_CHARS
    "gpts.spec.answers:_NAME_LEAD": 200,
    "formulas": PIECE_CHARS + OVERLAP_CHARS,
    "signs": MOST_CHARS,
    "gpts.runs.side_tasks:_OF_CHAT": 10_000,  # READ_CHARS
    "gpts.runs.side_tasks:_WANTED": 10_000,
}
# Collections whose patterns are tried at the start of a text only.
MATCHED = {"web.rates:RULES"}
# Functions that make patterns, and what of: texts that are escaped, or data of the project by names.
MAKERS = {
    "gpts.knowledge.expected:numbered_otherwise": "an escaped name",
    "gpts.safety.formulas:_compiled": "formulas.toml, tried below",
    "gpts.safety.links:_names": "an escaped address",
    "gpts.safety.wording:_contains_words": "an escaped text",
    "gpts.spec.answers:_words": "words of answers.toml, for one word at a time",
    "web.builder.services:_is_slug_of": "a slug",
    "web.docs.search:_pattern": "escaped words",
    "web.scopes:_rule": "the site's own paths, held in a table that is tried here",
    "workers.engine.ability_cases:_judge_format": "a pattern of the project's own cases",
    "workers.engine.native:split": "the engine's own mark",
    "workers.knowledge.parsers.rtf.tokens:_read_table": "the name of a colour, then three digits",
    "workers.knowledge.sniffing:_ooxml_type": "sniffing.toml, tried on what an archive declares",
    "workers.smallmodel.arguments.arithmetic:_expression": "words of arithmetic, for 300 characters",
    "workers.smallmodel.arguments.arithmetic:_of_list": "words of arithmetic, for 300 characters",
    "workers.smallmodel.arguments.images:_names": "words for sizes, for 500 characters",
    "workers.smallmodel.arguments.of_schemas:_names": "an escaped value",
    "workers.smallmodel.arguments.of_schemas:_place": "an escaped value",
    "workers.smallmodel.arguments.of_schemas:_position": "an escaped value",
    "workers.smallmodel.conversation.intents:called_files": "escaped names of files",
    "workers.smallmodel.conversation.outlines:_gives": "phrases of listings, tried below",
    "workers.smallmodel.conversation.outlines:_of_kind": "phrases of listings, tried below",
    "workers.smallmodel.phrases:pattern": "phrases, held in variables that are tried here",
    "workers.smallmodel.routing.cues:signs": "cues.toml, tried below",
    "workers.tools:escaped": "a class of single characters",
}


# Patterns of data files that functions compile when a text first needs them.
LATER = {
    "formulas": lambda: [each.pattern for each in formulas()],
    "listings": lambda: [
        re.compile(each[kind]) for each in phrases("listing").values() for kind in ("asks", "gives")
    ],
    "signs": lambda: [each for kind in ("signs", "typed_signs") for each in signs(kind).values()],
}


@pytest.mark.parametrize("name", [name for name in modules() if not TRUSTED.match(name)])
def test_no_pattern_is_slow(name: str) -> None:
    assert not {(found.name, use, shape) for found in source(name).found for use, shape in _slow(found)}


@pytest.mark.parametrize("name", LATER)
def test_no_pattern_of_data_is_slow(name: str) -> None:
    searched = [Found(name, pattern, frozenset({"search"})) for pattern in LATER[name]()]
    assert not {(each.pattern.pattern, shape) for each in searched for _, shape in _slow(each)}


def _slow(found: Found) -> Iterator[tuple[str, str]]:
    """The ways of use that some shape makes slow, each with the first such shape."""
    n_chars = SHORT.get(found.name, CHARS)
    for use in {"match"} if found.name in MATCHED else uses(found):
        for once, again in (*(("", shape) for shape in SHAPES), *shapes_against(found.pattern)):
            text_of = partial(_text, found.pattern, once, again)
            if not is_quick(getattr(found.pattern, use), text_of, n_chars):
                yield use, once + again
                break


def _text(pattern: re.Pattern[Any], once: str, again: str, n_chars: int) -> str | bytes:
    text = once + text_of(again, n_chars)
    return text.encode() if isinstance(pattern.pattern, bytes) else text


def test_every_function_that_makes_patterns_is_known() -> None:
    made = {maker for name in modules() if not TRUSTED.match(name) for maker in source(name).makers}
    assert made == set(MAKERS)
