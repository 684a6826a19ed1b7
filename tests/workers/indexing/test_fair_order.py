"""Nobody waits for somebody else's thousand pages."""

import pytest

from web.builder.files import add_file, n_ahead
from web.builder.models import Gpt, KnowledgeFile
from web.builder.services import create_gpt
from workers.indexing import files as indexing

pytestmark = pytest.mark.usefixtures("words")


@pytest.fixture
def other(bob) -> Gpt:
    """Bob's GPT."""
    return create_gpt(bob, {"name": "Garden"})


def received(gpt: Gpt, name: str, size: int) -> KnowledgeFile:
    """A waiting file that claims to have `size` bytes."""
    file = add_file(gpt, name, [name.encode()])
    KnowledgeFile.objects.filter(id=file.id).update(size=size)
    file.refresh_from_db()
    return file


def taken() -> str | None:
    """The name of the file that the next free worker takes."""
    file = indexing.claim_next()
    return file.name if file else None


def test_small_files_go_first(draft) -> None:
    received(draft, "big", 900)
    received(draft, "small", 10)
    assert [taken(), taken(), taken()] == ["small", "big", None]


def test_another_person_goes_before_a_second_file_of_the_same(draft, other) -> None:
    received(draft, "first", 10)
    received(draft, "second", 20)
    received(other, "other", 900)
    assert [taken(), taken(), taken()] == ["first", "other", "second"]


def test_one_person_never_holds_two_workers_with_large_files(draft, other) -> None:
    size = indexing.LARGE_BYTES + 1
    received(draft, "large", size)
    received(draft, "larger", size + 1)
    assert [taken(), taken()] == ["large", None]
    received(other, "other", size)
    assert taken() == "other"


def test_the_next_large_file_follows_at_once(draft, sent_tasks, django_capture_on_commit_callbacks) -> None:
    size = indexing.LARGE_BYTES + 1
    first, second = received(draft, "large", size), received(draft, "larger", size + 1)
    with django_capture_on_commit_callbacks(execute=True):
        indexing.index_next()
    first.refresh_from_db()
    assert first.status == "ready"
    assert sent_tasks == [("workers.tasks.index_file", str(second.id), "index")]


def test_a_waiting_file_tells_how_many_are_before_it(draft, other) -> None:
    received(draft, "small", 10)
    big = received(other, "big", 900)
    assert n_ahead(big) == 1
    indexing.claim_next()
    assert n_ahead(big) == 1
    KnowledgeFile.objects.filter(name="small").update(status="ready")
    assert n_ahead(big) == 0
