"""`manage.py createsamples`: the sample GPTs that a new store begins with, and their updates."""

import hashlib
import json
import time
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from web.accounts.models import User
from web.builder import actions, files, services
from web.builder.changes import draft_changed
from web.builder.models import Category, DelegateRow, Gpt, KnowledgeFile, Sharing
from web.rpc import NoResult

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
POLL_S = 0.5


class Command(BaseCommand):
    help = (
        "Creates the sample GPTs and publishes each to the store once its files are ready. Run it again to update "
        "samples that have changed since; samples that were edited or deleted here are left alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", type=float, metavar="SECONDS", help="how long to wait for them to be published")

    def handle(self, *args: Any, **options: Any) -> None:
        done = read_done()
        for folder in folders():
            digest = digest_of(folder)
            if sample_gpt(folder.name) and done.get(folder.name) == digest:
                continue
            try:
                self.stdout.write(f"{folder.name}: {bring_up_to_date(folder)}")
            except NoResult as error:  # a worker reads the documents of actions; the next start tries again
                self.stdout.write(f"{folder.name}: skipped until the next start. {error}")
                continue
            done[folder.name] = digest
            done_path().write_text(json.dumps(done, indent=1))
        if options["wait"]:
            self.wait(options["wait"])

    def wait(self, limit_s: float) -> None:
        """Return once no sample waits for its files. Raises CommandError with the names of those that still do."""
        waiting = Gpt.objects.filter(owner=hall(), publish_when_ready=True, deleted=None)
        deadline = time.monotonic() + limit_s
        while names := ", ".join(waiting.values_list("name", flat=True)):
            if time.monotonic() > deadline:
                raise CommandError(f"Still waiting for the files of {names}. Is a worker running?")
            time.sleep(POLL_S)


def folders() -> list[Path]:
    """The samples' folders by name, those that ask other samples last."""
    return sorted((path.parent for path in SAMPLES.glob("*/gpt.toml")), key=lambda path: (asks(path), path.name))


def asks(folder: Path) -> bool:
    """Whether the sample asks other samples."""
    return "delegates" in tomllib.loads((folder / "gpt.toml").read_text())


def done_path() -> Path:
    """Where it is kept which content of each sample was brought in: a JSON object, folder → digest."""
    return settings.GUILDHALL_HOME / "samples.json"


def read_done() -> dict[str, str]:
    """What `done_path` says; nothing on a first run."""
    return json.loads(done_path().read_text()) if done_path().exists() else {}


def digest_of(folder: Path) -> str:
    """A digest of everything in a sample's folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def hall() -> User:
    """The user who owns the samples; nobody can sign in with a password as them."""
    User.objects.filter(email="hall@localhost", name="the hall").update(name=settings.SITE_NAME)  # its name until 0.2
    return User.objects.filter(email="hall@localhost").first() or User.objects.create_user(
        "hall@localhost", name=settings.SITE_NAME
    )


def sample_gpt(name: str) -> Gpt | None:
    """The GPT of the sample in the folder `name`, a deleted one too; None before it was made.

    Where somebody had a GPT of this name first, the sample's address ends in a number.
    """
    return Gpt.objects.filter(owner=hall(), slug__regex=rf"^{name}(-[0-9]+)?$").order_by("created").first()


def bring_up_to_date(folder: Path) -> str:
    """What was done, in a word, to make the sample in `folder` be as the folder says."""
    sample = tomllib.loads((folder / "gpt.toml").read_text())
    privacy_url, delegates = sample.pop("privacy_url", ""), sample.pop("delegates", [])
    fields = {
        **sample,
        "instructions": sample["instructions"].strip(),
        "category": Category[sample["category"].upper()],
        "sharing": Sharing.STORE,
    }
    gpt = sample_gpt(folder.name)
    if gpt and gpt.deleted:
        return "deleted here, skipped"
    word = "updated" if gpt else "created"
    gpt = services.update_gpt(gpt, fields) if gpt else services.create_gpt(hall(), fields)
    replace_files(gpt, sorted((folder / "files").glob("*")))
    replace_actions(gpt, sorted((folder / "actions").glob("*")), privacy_url)
    replace_delegates(gpt, {each["gpt"]: each["when"] for each in delegates})
    if draft_changed(gpt):
        services.publish_when_ready(gpt)
    return word


def replace_files(gpt: Gpt, paths: Iterable[Path]) -> None:
    """Give `gpt` the files at `paths` and no others; those it has already are not read again."""
    kept: set[Any] = set()
    for path in paths:
        with path.open("rb") as file:
            kept.add(files.add_file(gpt, path.name, iter(lambda: file.read(1 << 20), b"")).id)
    for stale in KnowledgeFile.objects.filter(gpt=gpt, removed=None).exclude(id__in=kept):
        files.remove_file(stale)


def replace_actions(gpt: Gpt, paths: Iterable[Path], privacy_url: str) -> None:
    """Give `gpt` the actions of the OpenAPI documents at `paths` and no others. Raises NoResult without a worker."""
    kept: set[Any] = set()
    for path in paths:
        document = path.read_text()
        known = gpt.actions.filter(removed=None, document=document).first()
        kept.add(
            (known or actions.add_action(gpt, actions.DocumentSource(document=document), privacy_url=privacy_url)).id
        )
    for stale in gpt.actions.filter(removed=None).exclude(id__in=kept):
        actions.remove(stale)


def replace_delegates(gpt: Gpt, whens: dict[str, str]) -> None:
    """Let `gpt` ask the samples in these folders, and no others; those that were deleted here are left out."""
    asked = {name: sample for name in whens if (sample := sample_gpt(name)) and not sample.deleted}
    gpt.delegates.exclude(delegate__in=asked.values()).delete()
    for name, sample in asked.items():
        DelegateRow.objects.update_or_create(gpt=gpt, delegate=sample, defaults={"when": whens[name]})
