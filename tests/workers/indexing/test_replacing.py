"""A file takes another's place once it is ready, and only then."""

import pytest
from django.core.exceptions import ValidationError

from tests.publishing import publish
from tests.workers.conftest import read
from web.builder.files import add_file, replace_file
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt
from workers.indexing import files as indexing

pytestmark = pytest.mark.usefixtures("words")

OLD, NEW, NEWER = (f"The price is {price} euro.".encode() for price in (450, 470, 490))
BROKEN = b"%PDF-1.4\nnothing"


@pytest.fixture
def old(draft) -> KnowledgeFile:
    """The file that is to be replaced, ready."""
    return read(add_file(draft, "prices.txt", [OLD]))


def names(draft) -> list[str]:
    """What the draft would answer from."""
    return [ref.name for ref in draft.draft_spec().knowledge]


def test_the_old_file_is_used_until_the_new_one_is_ready(draft, old) -> None:
    new = replace_file(old, "new.txt", [NEW])
    assert names(draft) == ["prices.txt"]
    read(new)
    assert names(draft) == ["new.txt"]
    old.refresh_from_db()
    assert old.removed is not None


def test_the_old_file_stays_if_the_new_one_cannot_be_read(draft, old) -> None:
    new = read(replace_file(old, "new.pdf", [BROKEN]))
    assert new.status == "failed"
    assert names(draft) == ["prices.txt"]


def test_published_versions_keep_the_old_file(draft, old) -> None:
    version = publish(draft)
    read(replace_file(old, "new.txt", [NEW]))
    version.refresh_from_db()
    assert [ref.name for ref in version.spec().knowledge] == ["prices.txt"]


def test_a_second_replacement_takes_the_place_of_the_first(draft, old) -> None:
    first = replace_file(old, "new.txt", [NEW])
    late = indexing.Claim(indexing.claim_next())
    second = replace_file(first, "newer.txt", [NEWER])
    with pytest.raises(indexing.ClaimLost):
        late.save(n_done=1)
    read(second)
    assert names(draft) == ["newer.txt"]
    assert [file.name for file in draft.files.filter(removed=None)] == ["newer.txt"]


def test_a_file_that_is_being_read_can_be_replaced(draft) -> None:
    file = add_file(draft, "prices.txt", [OLD])
    late = indexing.Claim(indexing.claim_next())
    read(replace_file(file, "new.txt", [NEW]))
    with pytest.raises(indexing.ClaimLost):
        late.save(n_done=1)
    assert names(draft) == ["new.txt"]


def test_the_same_content_replaces_nothing(draft, old) -> None:
    other = add_file(draft, "other.txt", [NEW])
    with pytest.raises(ValidationError, match="this is the same file"):
        replace_file(old, "again.txt", [OLD])
    with pytest.raises(ValidationError, match="already has this file as other"):
        replace_file(old, "copy.txt", [NEW])
    assert list(draft.files.filter(removed=None)) == [old, other]


def test_content_known_here_takes_the_place_at_once(draft, old, alice) -> None:
    read(add_file(create_gpt(alice, {"name": "Other"}), "new.txt", [NEW]))
    assert replace_file(old, "new.txt", [NEW]).status == "ready"
    assert names(draft) == ["new.txt"]


def test_a_replacement_takes_no_room_of_its_own(draft, old, settings) -> None:
    settings.MAX_FILES_PER_GPT = 2
    replace_file(old, "new.txt", [NEW])
    add_file(draft, "other.txt", [NEWER])
    with pytest.raises(ValidationError, match="up to 2 files"):
        add_file(draft, "third.txt", [b"more"])
