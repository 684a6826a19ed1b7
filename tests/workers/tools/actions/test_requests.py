"""Requests are built from arguments that a model wrote: nothing in them leaves its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.spec.actions import ActionSpec, Operation, Wire
from workers.tools import ToolError
from workers.tools.actions.requests import SentFile, build_request

ACTION = ActionSpec(action_id="1", name="Pets", base_url="https://api.pets.example/v2")


def operation(path="/pets", method="GET", **fields) -> Operation:
    places = fields.pop("places", {})
    properties = {name: {} for name in places}
    return Operation(name="op", method=method, path=path, parameters={"type": "object", "properties": properties},
                     places=places, **fields)  # fmt: skip


def url(arguments, path="/pets", **fields) -> str:
    return build_request(ACTION, operation(path, **fields), arguments).url.removeprefix(ACTION.base_url)


@pytest.mark.parametrize(
    ("value", "wire", "query"),
    [
        ([1, 2], {}, "?q=1&q=2"),
        ([1, 2], {"explode": False}, "?q=1,2"),
        (["a b", "c"], {"style": "spaceDelimited", "explode": False}, "?q=a%20b%20c"),
        (["a", "b"], {"style": "pipeDelimited", "explode": False}, "?q=a|b"),
        ({"a": 1, "b": {"c": True}}, {"style": "deepObject"}, "?q[a]=1&q[b][c]=true"),
        ({"a": 1, "b": 2}, {}, "?a=1&b=2"),
        ({"a": 1, "b": 2}, {"explode": False}, "?q=a,1,b,2"),
        ("x&y=1#z", {}, "?q=x%26y%3D1%23z"),
        ("a/b:c&d", {"reserved": True}, "?q=a/b:c%26d"),
        ({"a": [1]}, {"style": "json"}, "?q=%7B%22a%22%3A%20%5B1%5D%7D"),
        (True, {}, "?q=true"),
        ([], {"explode": False}, ""),
    ],
)
def test_queries_in_every_style(value, wire, query):
    assert url({"q": value}, places={"q": "query"}, wires={"q": Wire(name="q", **wire)}) == "/pets" + query


@pytest.mark.parametrize(
    ("value", "wire", "path"),
    [
        ("a b/c", {"style": "simple", "explode": False}, "/pets/a%20b%2Fc"),
        ([1, 2], {"style": "simple", "explode": False}, "/pets/1,2"),
        ([1, 2], {"style": "label", "explode": True}, "/pets/.1.2"),
        ({"a": 1}, {"style": "matrix", "explode": True}, "/pets/;a=1"),
        ({"a": 1}, {"style": "simple", "explode": True}, "/pets/a=1"),
    ],
)
def test_paths_in_every_style(value, wire, path):
    wires = {"id": Wire(name="id", **wire)}
    assert url({"id": value}, "/pets/{id}", places={"id": "path"}, wires=wires) == path


@pytest.mark.parametrize(
    "value", ["..", ".", "../admin", "a/../b", "%2e%2e", "..%2fadmin", "..\\admin", "%252e%252e", ""]
)
def test_no_argument_climbs_out_of_the_path(value):
    with pytest.raises(ToolError, match="can't be part of a URL"):
        url({"id": value}, "/pets/{id}/x", places={"id": "path"})


@given(st.text(max_size=40))
def test_a_path_argument_stays_one_segment(value):
    try:
        built = url({"id": value}, "/pets/{id}/end", places={"id": "path"})
    except ToolError:
        return
    assert built.startswith("/pets/")
    assert built.endswith("/end")
    assert built.count("/") == 3
    assert not set("?#\\ \r\n") & set(built)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "é"])
def test_no_argument_adds_a_header(value):
    with pytest.raises(ToolError, match="only ASCII text on one line"):
        build_request(ACTION, operation(places={"X-Tag": "header"}), {"X-Tag": value})


def test_cookies_and_headers_are_placed():
    request = build_request(
        ACTION, operation(places={"X-Tag": "header", "sid": "cookie"}), {"X-Tag": "t", "sid": "a;b"}
    )
    assert request.headers["X-Tag"] == "t"
    assert request.headers["Cookie"] == "sid=a%3Bb"


def test_clashing_names_reach_their_own_places():
    places = {"id": "path", "id_query": "query", "id_body": "body"}
    wires = {"id_query": Wire(name="id"), "id_body": Wire(name="id")}
    request = build_request(ACTION, operation("/pets/{id}", "PUT", places=places, wires=wires),
                            {"id": 1, "id_query": 2, "id_body": 3})  # fmt: skip
    assert request.url.endswith("/pets/1?id=2")
    assert json.loads(request.body) == {"id": 3}


def test_forms_are_encoded():
    made = build_request(
        ACTION,
        operation(method="POST", places={"a": "body", "b": "body"}, content_type="application/x-www-form-urlencoded"),
        {"a": "x y&z", "b": [1, 2]},
    )
    assert made.body == b"a=x%20y%26z&b=1&b=2"


def test_multipart_forms_carry_files():
    made = build_request(
        ACTION,
        operation(
            method="POST",
            places={"doc": "body", "t": "body"},
            content_type="multipart/form-data",
            file_fields=("doc",),
        ),
        {"doc": 'a"b.txt', "t": "x"},
        lambda name: SentFile(name, "text/plain", b"data"),
    )
    assert b'name="doc"; filename="a%22b.txt"\r\nContent-Type: text/plain\r\n\r\ndata\r\n' in made.body
    assert made.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert "data" not in made.shown_body


def test_files_go_along_as_references():
    made = build_request(
        ACTION,
        operation(method="POST", places={"openaiFileIdRefs": "body"}, takes_files=True),
        {"openaiFileIdRefs": ["note.txt"]},
        lambda name: SentFile(name, "text/plain", b"a note"),
    )
    [reference] = json.loads(made.body)["openaiFileIdRefs"]
    assert reference["name"] == "note.txt"
    assert reference["download_link"] == "data:text/plain;base64,YSBub3Rl"


def test_arguments_that_do_not_fit_are_told_to_the_model():
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    wanted = Operation(name="op", method="GET", path="/a", parameters=schema, places={"n": "query"})
    for arguments in ({}, {"n": "x"}, {"n": 1, "m": 2}):
        with pytest.raises(ToolError, match="Invalid arguments"):
            build_request(ACTION, wanted, arguments)


def test_a_request_stays_below_the_limit():
    posts = operation(method="POST", places={"t": "body"})
    assert build_request(ACTION, posts, {"t": "a" * 99_000})
    with pytest.raises(ToolError, match="fewer than 100,000"):
        build_request(ACTION, posts, {"t": "a" * 100_000})
