"""Nobody learns from an upload that somebody else has the file."""

from typing import Any

from tests.workers.conftest import read
from web.builder.files import add_file
from web.builder.models_files import FileToRead
from web.builder.services import create_gpt
from web.runs import files
from workers.knowledge import pipeline

TEXT = b"# Pump\n\nThe filter part number is ZP-771.\n"


def test_a_file_that_somebody_else_has_is_read_like_any_other(
    alice, bob, draft, words, sent_tasks, monkeypatch
) -> None:
    parsed: list[Any] = []
    parse = pipeline.parse_file
    monkeypatch.setattr(pipeline, "parse_file", lambda *args: parsed.append(args) or parse(*args))
    first = read(add_file(draft, "mine.md", [TEXT]))
    attached = read(files.attach(alice, "mine.md", [TEXT]))
    bobs = [add_file(create_gpt(bob, {"name": "Pumps"}), "copy.md", [TEXT]), files.attach(bob, "copy.md", [TEXT])]
    assert [file.status for file in bobs] == [FileToRead.Status.RECEIVED] * 2
    n_before = len(parsed)
    knowledge = read(bobs[0])
    assert len(parsed) == n_before + 1, "reading takes as long as for anybody"
    assert knowledge.segment not in (first.segment, attached.segment)
    again = add_file(create_gpt(alice, {"name": "Spare Parts"}), "mine.md", [TEXT])
    assert (again.status, again.segment) == (FileToRead.Status.READY, first.segment), "one's own is ready at once"
