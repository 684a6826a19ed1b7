"""Uploads that the site has to understand are read in a child process, which ends when it takes too much."""

import json
import time
from dataclasses import replace

import pytest

from tests.workers.readers.test_pictures import picture
from web import passing_files
from workers import tasks
from workers.rpc import confined

# Each value takes hundreds of bytes, and each wrong one an error.
JSONS = {
    "uploaded": b"[" + b'{"a":[]},' * 2_000_000 + b"0]",
    "package": json.dumps(
        {"format": "guildhall-gpt", "version": 1, "name": "x", "starters": [0] * 1_600_000}
    ).encode(),
}


@pytest.fixture
def path(home):
    with passing_files.passing_file() as path:
        yield path


def test_what_a_reader_makes_is_put_in_its_place(path):
    path.write_bytes(picture())
    assert tasks.read_confined("picture", path.name, "[]") == {}
    assert path.read_bytes().startswith(b"RIFF")
    path.write_text('[{"id": "m", "params": {}, "meta": {}, "name": "M"}]')
    assert tasks.read_confined("uploaded", path.name, '["m.json"]') == {}
    assert json.loads(path.read_bytes())["kind"] == "gpts"


@pytest.mark.parametrize("reader", JSONS)
def test_json_that_takes_long_is_given_up_and_holds_no_thread(path, monkeypatch, reader):
    function, limits = confined.READERS[reader]
    monkeypatch.setitem(confined.READERS, reader, confined.Reader(function, replace(limits, cpu_s=1, max_s=1)))
    path.write_bytes(JSONS[reader])
    began = time.monotonic()
    args = json.dumps(["a.json"] if reader == "uploaded" else [])
    assert tasks.read_confined(reader, path.name, args)["refused"] in ("TimedOut", "TooLarge", "BrokenFile")
    assert time.monotonic() - began < 20
