"""The kind of a text is read from its content, and prose is never taken for data."""

import pytest

from workers.knowledge.text_types import CSV, EML, HTML, JSON, JSONL, MARKDOWN, SOURCE, TEXT, delimiter, text_type

MAIL = (
    "Received: from a by b\nFrom: Anna <anna@x.test>\nTo: bob@x.test\nDate: Mon, 1 Jan 2024\nSubject: Pump\n\nHello"
)
PYTHON = '"""Doc."""\n\nimport os\n\n\ndef run(path: str) -> int:\n    if path:\n        return 1\n    return 0\n'
JAVASCRIPT = "import { a } from './a.js';\n\nexport function run(x) {\n  const y = x + 1;\n  return y;\n}\n"
RUST = 'use std::io;\n\npub fn main() {\n    let x = 1;\n    println!("{}", x);\n}\n'
SQL = (
    "CREATE TABLE parts (\n  id INT,\n  name TEXT\n);\nINSERT INTO parts VALUES (1, 'Seal');\nSELECT * FROM parts;\n"
)
YAML = "# settings\nname: pump\nparts:\n  - seal\n  - filter\nlimits:\n  max: 3\n"
PROSE = (
    "Close the valve, wait a minute, and open the housing.\nIf it drips, close it again, and call the dealer.\n"
    "The filter, which is blue, lasts six months.\n"
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("name,price\nSeal,3\nFilter,4\n", CSV),
        ("name;price\nSeal;3,50\nFilter;4,20\n", CSV),
        ("name\tprice\nSeal\t3\nFilter\t4\n", CSV),
        ("name|price|stock\nSeal|3|1\nFilter|4|2\n", CSV),
        ('name,note\nSeal,"two\nlines, here"\nFilter,"x"\nRing,y\n', CSV),
        ('{"name": "Seal", "price": 3}', JSON),
        ('[{"name": "Seal"}, {"name": "Ring"}]', JSON),
        ('{"a": 1}\n{"a": 2}\n', JSONL),
        (MAIL, EML),
        (PYTHON, SOURCE),
        (JAVASCRIPT, SOURCE),
        (RUST, SOURCE),
        (SQL, SOURCE),
        (YAML, SOURCE),
        ("[tool]\nname = 1\n\n[other]\nx = 2\n", SOURCE),
        ('<?xml version="1.0"?>\n<parts><part>Seal</part></parts>', SOURCE),
        ("#!/bin/bash\necho hello\n", SOURCE),
        ("# Care\n\nClose the valve.\n", MARKDOWN),
        ("# Parts\n\n| Part | No |\n| - | - |\n| Seal | 1 |\n", MARKDOWN),
        ("---\ntitle: Care\n---\n\nClose the valve.\n", MARKDOWN),
        ("<!-- saved --><!DOCTYPE html><p>x", HTML),
        (PROSE, TEXT),
        ("From: the manager\nDear all, please read this. Thank you.\n", TEXT),
        ("[1] A footnote, as in the book: see there.\n[2] Another.\n", TEXT),
        ("Dear Anna,\n\nthank you for the pump, it runs.\n\nBob", TEXT),
        ("Monday: closed\nTuesday: 9 to 5\nWednesday: 9 to 5\n", TEXT),
    ],
)  # fmt: skip
def test_the_kind_is_told_by_content(text: str, kind: str) -> None:
    assert text_type(text) == kind


def test_the_mark_that_parts_cells_is_the_one_that_gives_a_table() -> None:
    assert delimiter("a;b;c\n1,5;2,5;3\n4,5;5,5;6\n") == ";"
    assert delimiter(PROSE) == ""
