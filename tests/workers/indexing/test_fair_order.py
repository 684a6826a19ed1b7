"""Nobody waits for somebody else's thousand pages."""

import pytest

from web.builder.files import add_file, n_ahead
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt
from workers.indexing import files as indexing
from workers.tasks import index_file

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


def test_the_next_large_file_follows_at_once_without_a_message_of_its_own(draft) -> None:
    size = indexing.LARGE_BYTES + 1
    files = [received(draft, "large", size), received(draft, "larger", size + 1)]
    index_file(str(files[0].id))
    assert [KnowledgeFile.objects.get(id=file.id).status for file in files] == ["ready", "ready"]


def test_one_worker_with_a_hundred_files_of_one_person_reads_anothers_first_next(draft, other, settings) -> None:
    settings.MAX_FILES_PER_GPT = 100
    for n in range(100):
        received(draft, f"small {n}", 10)
    done = []
    for _ in range(2):  # one at a time: nobody has a file in work when the next is chosen
        file = indexing.claim_next()
        KnowledgeFile.objects.filter(id=file.id).update(status="ready", claimed_until=None)
        done.append(file.gpt.owner.name)
        if not KnowledgeFile.objects.filter(gpt=other).exists():
            received(other, "large for its owner", 900)
    assert done == ["Alice", "Bob"]


def test_of_two_workers_that_choose_at_once_the_second_serves_the_other_person(draft, other, monkeypatch) -> None:
    for name in ("first", "second"):
        received(draft, name, 10)
    received(other, "other", 900)
    stale = indexing.in_fair_order()
    first = taken()
    orders = iter([stale])
    monkeypatch.setattr(indexing, "in_fair_order", lambda large, now=indexing.in_fair_order: next(orders, now(large)))
    assert (first, taken()) == ("first", "other")


def test_a_waiting_file_tells_how_many_are_before_it(draft, other) -> None:
    received(draft, "small", 10)
    big = received(other, "big", 900)
    assert n_ahead(big) == 1
    indexing.claim_next()
    assert n_ahead(big) == 1
    KnowledgeFile.objects.filter(name="small").update(status="ready")
    assert n_ahead(big) == 0
