"""JSON and JSON Lines: each value can be found with the keys that lead to it."""

import json

import pytest

from gpts.knowledge.marks import with_marks
from workers.isolation.errors import TooLarge
from workers.knowledge.parsers.structured import parse


def blocks(value: object) -> list[tuple[str, str]]:
    return [(block.heading, block.text) for block in parse(json.dumps(value).encode()).blocks]


def test_nested_objects_stand_under_their_keys() -> None:
    assert blocks({"name": "ZP-771", "care": {"filter": "yearly", "tools": ["spanner", "bucket"]}}) == [
        ("", "name: ZP-771"),
        ("care", "care"),
        ("care", "filter: yearly\ntools: spanner, bucket"),
    ]


def test_a_list_of_flat_objects_is_a_table() -> None:
    parts = [{"part": "Seal", "price": 3}, {"part": "Filter", "price": 4.5, "stock": None}]
    assert blocks({"parts": parts})[1:] == [
        ("parts", "| part | price | stock |\n| Seal | 3 |  |\n| Filter | 4.5 |  |")
    ]


def test_a_long_list_loses_no_element() -> None:
    document = parse(json.dumps([{"part": f"P{n}", "price": n} for n in range(450)]).encode())
    assert all(f"| P{n} | {n} |" in document.text() for n in range(450))


def test_records_of_any_shape_keep_their_paths() -> None:
    records = [{"id": 1, "size": {"mm": [3, {"deep": "x"}]}}, {"id": 2, "other": "y"}]
    text = parse(json.dumps(records).encode()).text()
    assert text == "id: 1\nsize.mm[1]: 3\nsize.mm[2].deep: x\n\nid: 2\nother: y"


def test_json_lines_are_a_table_and_broken_lines_are_told() -> None:
    document = parse(b'{"q": "why", "a": "so"}\n{"q": "who", "a": "me"}\n{"q": "when}\n')
    assert "| who | me |" in document.text()
    assert "aren't valid JSON: 1" in document.notices[0].message


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    document = parse(b'{"name": "pump", "parts": [{"p": "a", "n": 1},\n {"p": "b", "n": 2}, {"p": "c"')
    assert "| b | 2 |" in document.text()
    assert "line 2" in document.notices[0].message


def test_encoded_data_is_no_text() -> None:
    document = parse(json.dumps({"name": "logo", "data": "iVBORw0KGgo" * 500}).encode())
    assert document.text() == "name: logo\ndata: "
    assert with_marks(document.text(), document.marks()) == "name: logo\ndata: [removed: data]"


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"]
)
def test_bottomless_nesting_is_refused(data: bytes) -> None:
    with pytest.raises(TooLarge, match="nested"):
        parse(data)


def test_what_follows_a_fault_is_read_too() -> None:
    rows = ('{"name": "pump", "price": 5}', '{"name": "seal" "price": 2}', '{"name": "valve", "price": 7}')
    document = parse(f"[{', '.join(rows)}]".encode())
    assert [block.text for block in document.blocks] == [
        '{"name": "seal" "price": 2',
        "| name | price |\n| pump | 5 |\n| valve | 7 |",
    ]
    assert "malformed near line 1" in document.notices[0].message
    assert "after: red" in parse(b'{"title": "Pump", "bad": nope, "after": "red"}').text()
    nested = parse(b'{"parts": [{"n": "seal"}, nope, {"n": "valve"}], "after": "red"}').text()
    assert "| valve |" in nested
    assert "after: red" in nested


def test_what_only_looks_like_json_is_text() -> None:
    assert """{'name': "it's\"""" in parse(b"""[{'name': "it's"}, {'size': "5"}]""").text()
