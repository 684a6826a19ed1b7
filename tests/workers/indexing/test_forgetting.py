"""Deleting a chat or an unsent file deletes what reading it left, unless another file has the same content."""

import os

import pytest

from tests.workers.conftest import read
from web.builder.files import add_file
from web.runs import files, services
from web.runs.deletion import delete_conversation
from web.runs.models import ConversationFile
from workers.indexing.forgetting import forget_files
from workers.indexing.sweeping import SETTLED_S

TEXT = b"# Pump\n\nThe filter part number is ZP-771.\n"


@pytest.fixture
def file(bob, words) -> ConversationFile:
    """An unsent file that was removed."""
    file = read(files.attach(bob, "manual.md", [TEXT]))
    files.remove(bob, file.id)
    return file


def stored_long_ago(file) -> None:
    stat = file.path.stat()
    os.utime(file.path, (stat.st_atime, stat.st_mtime - SETTLED_S - 1))


def left(file, home) -> list[bool]:
    """Whether the file's bytes and its segment are still there."""
    return [file.path.exists(), (home / "segments" / file.segment).exists()]


def test_bytes_and_segment_go(file, home) -> None:
    stored_long_ago(file)
    assert forget_files() == 1
    assert left(file, home) == [False, False]
    assert not ConversationFile.objects.exists()


def test_what_was_just_stored_stays_for_now(file, home) -> None:
    assert forget_files() == 0
    assert left(file, home) == [True, True]
    assert ConversationFile.objects.filter(id=file.id).exists()


def test_what_another_chat_has_stays(file, home, alice) -> None:
    stored_long_ago(file)
    files.attach(alice, "mine.md", [TEXT])
    assert forget_files() == 1
    assert left(file, home) == [True, True]


def test_what_a_gpt_knows_stays(file, home, draft) -> None:
    add_file(draft, "manual.md", [TEXT])
    stored_long_ago(file)
    assert forget_files() == 1
    assert left(file, home) == [True, True]


def test_a_deleted_chat_takes_its_files_with_it(bob, conversation, words, home) -> None:
    file = read(files.attach(bob, "manual.md", [TEXT]))
    services.start_run(conversation, "Which filter?", attachments=[file.id])
    stored_long_ago(file)
    assert forget_files() == 0
    delete_conversation(conversation)
    assert forget_files() == 1
    assert left(file, home) == [False, False]
