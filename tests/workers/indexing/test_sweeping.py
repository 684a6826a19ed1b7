"""What nothing refers to goes from the disk; what anybody has, can restore, or is just storing stays."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.publishing import publish
from tests.workers.conftest import read
from web.builder.files import add_file, remove_file, store_bytes
from web.builder.models import Gpt, GptVersion
from web.builder.models_files import KnowledgeFile
from web.builder.services import delete_gpt
from web.runs import services
from web.runs.deletion import delete_conversation
from web.runs.kept_files import KEEP_REMOVED
from workers.indexing import sweeping
from workers.indexing.forgetting import forget_files
from workers.indexing.sweeping import ABANDONED_S, SETTLED_S, sweep

TEXT = b"# Pump\n\nThe filter part number is ZP-771.\n"
OTHER = b"# Pump\n\nThe seal part number is ZP-902.\n"


@pytest.fixture(autouse=True)
def pictures(settings, home) -> Path:
    settings.MEDIA_ROOT = home / "pictures"
    return settings.MEDIA_ROOT


def age(home: Path, seconds: float = SETTLED_S + 1) -> None:
    """Make all content so much older."""
    for path in [path for folder in ("files", "segments", "pages", "pictures") for path in (home / folder).glob("*")]:
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


def later(gpt: Gpt) -> None:
    """The day after files were removed or the GPT was deleted."""
    earlier = timezone.now() - KEEP_REMOVED - timedelta(minutes=1)
    gpt.files.exclude(removed=None).update(removed=earlier)
    Gpt.objects.exclude(deleted=None).update(deleted=earlier)
    GptVersion.objects.update(created=earlier)


def stored(home: Path, file: KnowledgeFile) -> list[bool]:
    return [file.path.exists(), (home / "segments" / file.segment).exists()]


def forget_and_sweep(home: Path) -> None:
    age(home)
    forget_files()
    sweep()


def test_content_without_a_row_goes_after_an_hour_and_abandoned_uploads_after_a_day(db, home, pictures) -> None:
    sha256, _ = store_bytes([TEXT])
    for path in (home / "segments/aa11/manifest.json", home / "pages" / sha256 / "1.webp", pictures / "bb22.webp"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    upload = home / "files" / ".upload-x"
    upload.write_bytes(b"x")
    assert sweep() == 0
    age(home)
    assert sweep() == 4
    assert [path.name for path in (home / "files").iterdir()] == [".upload-x"]
    age(home, ABANDONED_S)
    assert sweep() == 1
    assert not [*(home / "files").iterdir(), *(home / "segments").iterdir(), *pictures.iterdir()]


def test_knowledge_goes_once_no_version_and_no_chat_has_it(draft, words, bob, home) -> None:
    kept, tried = read(add_file(draft, "kept.md", [TEXT])), read(add_file(draft, "tried.md", [OTHER]))
    remove_file(tried)
    publish(draft, "store")
    conversation = services.start_conversation(bob, draft)
    services.start_run(conversation, "Which filter?")
    remove_file(kept)
    forget_and_sweep(home)
    assert stored(home, kept) == stored(home, tried) == [True, True], "a day to change one's mind"
    later(draft)
    forget_and_sweep(home)
    assert stored(home, tried) == [False, False]
    assert stored(home, kept) == [True, True], "a version can be restored"
    delete_gpt(draft)
    later(draft)
    forget_and_sweep(home)
    assert stored(home, kept) == [True, True], "a chat cites it"
    delete_conversation(conversation)
    forget_and_sweep(home)
    assert stored(home, kept) == [False, False]
    assert not KnowledgeFile.objects.exists()


def test_what_another_gpt_has_stays(draft, gpt, words, home) -> None:
    file, other = read(add_file(draft, "mine.md", [TEXT])), read(add_file(gpt, "theirs.md", [TEXT]))
    remove_file(file)
    later(draft)
    forget_and_sweep(home)
    assert list(KnowledgeFile.objects.all()) == [other]
    assert stored(home, other) == [True, True]


def test_an_upload_of_the_same_content_at_that_moment_loses_nothing(draft, words, home, monkeypatch) -> None:
    sha256, _ = store_bytes([TEXT])
    age(home)
    in_use = sweeping.content_in_use

    def then_upload():
        marked = in_use()
        add_file(draft, "mine.md", [TEXT])
        return marked

    monkeypatch.setattr(sweeping, "content_in_use", then_upload)
    sweep()
    assert (home / "files" / sha256).read_bytes() == TEXT

    settled = sweeping.is_settled
    KnowledgeFile.objects.all().delete()

    def stored_after_the_check(path: Path) -> bool:
        answer = settled(path)
        if answer and path.name == sha256:
            store_bytes([TEXT])
        return answer

    age(home)
    monkeypatch.setattr(sweeping, "content_in_use", in_use)
    monkeypatch.setattr(sweeping, "is_settled", stored_after_the_check)
    assert sweep() == 0
    assert (home / "files" / sha256).read_bytes() == TEXT


def test_a_sweep_that_was_killed_is_put_right_by_the_next(draft, words, home) -> None:
    file = read(add_file(draft, "mine.md", [TEXT]))
    file.path.rename(home / "files" / f".swept-{file.sha256}")
    (home / "files/.swept-cafe").write_bytes(b"nobody's")
    sweep()
    assert [path.name for path in (home / "files").iterdir()] == [file.sha256]
