"""`manage.py createsamples`: creates the sample GPTs of a new site, and updates them."""

import hashlib
import json
import time
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gpts.portable.package import FORMER_MAX_TOKENS
from web.accounts.models import User
from web.builder import actions, files, services
from web.builder.changes import draft_changed
from web.builder.models import SPEC_FIELDS, DelegateRow, Gpt
from web.builder.models_access import SAMPLES_EMAIL, Sharing
from web.builder.models_files import KnowledgeFile
from web.checks import TAG
from web.rpc import NoResult

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
WEB = Path(__file__).resolve().parents[3]
POLL_S = 0.5
# What people can edit of a GPT besides files, actions and delegates.
EDITABLE = (*SPEC_FIELDS, "category", "face", "sharing", "temperature", "max_tokens")


class Command(BaseCommand):
    requires_system_checks = [TAG]  # all of them would load every page
    help = (
        "Creates the sample GPTs and publishes each to the store once its files are ready. Run it again after an "
        "upgrade to update samples that changed. Samples that were edited or deleted on this site stay as they are, "
        "and so do those that the new release no longer has."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", type=float, metavar="SECONDS", help="how long to wait for them to be published")

    def handle(self, *args: Any, **options: Any) -> None:
        done = json.loads(done_path().read_text()) if done_path().exists() else {}
        for folder in folders():
            # The content that the sample was created from, and the sample as it was left; before 0.2 only the first.
            digest, left = [*done.get(folder.name, "").split(), "", ""][:2]
            now = digest_of(folder)
            gpt = sample_gpt(folder.name)
            if gpt and digest == now:
                continue
            is_edited = gpt is not None and left not in ("", state_of(gpt))
            try:
                word = "was edited, skipped" if is_edited else update_sample(folder)
            except NoResult as error:  # from a worker, or from the service that an action calls
                self.stdout.write(f"{folder.name}: skipped until the next start. {error}")
                continue
            self.stdout.write(f"{folder.name}: {word}")
            done[folder.name] = f"{now} {left if is_edited else state_of(sample_gpt(folder.name))}"
            done_path().write_text(json.dumps(done, indent=1))
        if options["wait"]:
            self.wait(options["wait"])

    def wait(self, limit_s: float) -> None:
        """Wait until all samples are published. Raises CommandError after `limit_s` with the names of the others."""
        waiting = Gpt.objects.filter(owner=samples_owner(), publish_when_ready=True, deleted=None)
        deadline = time.monotonic() + limit_s
        while names := ", ".join(waiting.values_list("name", flat=True)):
            if time.monotonic() > deadline:
                raise CommandError(f"Still waiting for the files of {names}. Is a worker running?")
            time.sleep(POLL_S)


def folders() -> list[Path]:
    """The samples' folders by name, those with delegates last."""
    paths = sorted(SAMPLES.glob("*/gpt.toml"), key=lambda path: ("delegates" in read_toml(path), path))
    return [path.parent for path in paths]


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a sample's `gpt.toml`."""
    return tomllib.loads(path.read_text())


def done_path() -> Path:
    """The JSON file with two digests for each sample's folder: of its content, and of the GPT last made from it."""
    return settings.GUILDHALL_HOME / "samples.json"


def knowledge_paths(folder: Path) -> list[Path]:
    """A sample's knowledge files: its own, and the pages of the folder that its `files_from` names within `web`."""
    shared = read_toml(folder / "gpt.toml").get("files_from")
    pages = (WEB / shared).glob("*.md") if shared else ()
    return [*sorted((folder / "files").glob("*")), *sorted(pages)]


def digest_of(folder: Path) -> str:
    """A digest of everything in a sample's folder, and of knowledge files elsewhere."""
    digest = hashlib.sha256()
    own = sorted(path for path in folder.rglob("*") if path.is_file())
    elsewhere = [path for path in knowledge_paths(folder) if not path.is_relative_to(folder)]
    for path in (*own, *elsewhere):
        name = path.relative_to(folder if path.is_relative_to(folder) else WEB)
        digest.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def state_of(gpt: Gpt | None) -> str:
    """A digest of what people can edit of the sample `gpt`."""
    if gpt is None:
        return ""
    row = Gpt.objects.filter(id=gpt.id).values(*EDITABLE).get()
    for name, default in (("inputs", []), ("unsupported", "mark")):  # for digests from before there were any
        if row[name] == default:
            del row[name]
    row["max_tokens"] = row["max_tokens"] or FORMER_MAX_TOKENS  # likewise from before there was an automatic limit
    names = gpt.files.filter(removed=None).order_by("name").values_list("name", "sha256")
    asked = gpt.delegates.order_by("delegate__slug").values_list("delegate__slug", "when")
    documents = gpt.actions.filter(removed=None).order_by("document").values_list("document", flat=True)
    return hashlib.sha256(repr((row, *map(list, (names, asked, documents)))).encode()).hexdigest()


def samples_owner() -> User:
    """The user who owns the samples. They have no password, so nobody signs in as them."""
    samples = User.objects.filter(email=SAMPLES_EMAIL)
    samples.filter(name="the hall").update(name=settings.SITE_NAME)  # the name before 0.2
    return samples.first() or User.objects.create_user(SAMPLES_EMAIL, name=settings.SITE_NAME)


def sample_gpt(name: str) -> Gpt | None:
    """The GPT of the sample in the folder `name`, even if it was deleted; None if it was never created.

    If somebody had a GPT of this name first, the sample's slug ends in a number.
    """
    return Gpt.objects.filter(owner=samples_owner(), slug__regex=rf"^{name}(-[0-9]+)?$").order_by("created").first()


def update_sample(folder: Path) -> str:
    """Create or update the sample in `folder`. Returns what was done, for the output.

    Raises NoResult without a worker, and if it is new and its action's service can't be reached.
    """
    sample = read_toml(folder / "gpt.toml")
    sample.pop("files_from", None)
    privacy_url, delegates = sample.pop("privacy_url", ""), sample.pop("delegates", [])
    tries = sample.pop("tries", "")
    fields = {
        **sample,
        "instructions": sample["instructions"].strip(),
        "category": sample["category"].lower(),
    }
    gpt = sample_gpt(folder.name)
    if gpt and gpt.deleted:
        return "was deleted, skipped"
    word = "updated" if gpt else "created"
    if gpt:
        gpt = services.update_gpt(gpt, fields, by=gpt.owner)
    else:
        gpt = services.create_gpt(samples_owner(), {**fields, "sharing": Sharing.STORE})
    replace_files(gpt, knowledge_paths(folder))
    replace_actions(gpt, sorted((folder / "actions").glob("*")), privacy_url)
    replace_delegates(gpt, {each["gpt"]: each["when"] for each in delegates})
    if tries and not gpt.published:
        try_service(gpt, tries)
    if draft_changed(gpt):
        services.publish_when_ready(gpt, by=gpt.owner)
    return word


def replace_files(gpt: Gpt, paths: Iterable[Path]) -> None:
    """Make the files at `paths` those of `gpt`; unchanged ones are not read again."""
    kept: set[Any] = set()
    for path in paths:
        with path.open("rb") as file:
            kept.add(files.add_file(gpt, path.name, iter(lambda: file.read(1 << 20), b"")).id)
    for stale in KnowledgeFile.objects.filter(gpt=gpt, removed=None).exclude(id__in=kept):
        files.remove_file(stale)


def replace_actions(gpt: Gpt, paths: Iterable[Path], privacy_url: str) -> None:
    """Make the OpenAPI documents at `paths` the actions of `gpt`. Raises NoResult without a worker."""
    kept: set[Any] = set()
    for path in paths:
        document = path.read_text()
        action = gpt.actions.filter(removed=None, document=document).first()
        action = action or actions.add_action(
            gpt, actions.DocumentSource(document), privacy_url=privacy_url, by=gpt.owner
        )
        kept.add(action.id)
    for stale in gpt.actions.filter(removed=None).exclude(id__in=kept):
        actions.remove(stale)


def try_service(gpt: Gpt, operation: str) -> None:
    """Call the operation of the new sample's action, so that nobody finds a sample that can't work here.

    Raises NoResult unless the service answers.
    """
    action = gpt.actions.get(removed=None)
    result = actions.test_operation(gpt.owner, action, operation, {})
    if result.get("error") or result.get("status") != HTTPStatus.OK:
        raise NoResult(f"{action.host} does not answer as expected.")


def replace_delegates(gpt: Gpt, whens: dict[str, str]) -> None:
    """Make the samples in the folders `whens` the delegates of `gpt`, except those deleted on this site."""
    asked = {name: sample for name in whens if (sample := sample_gpt(name)) and not sample.deleted}
    gpt.delegates.exclude(delegate__in=asked.values()).delete()
    for name, sample in asked.items():
        DelegateRow.objects.update_or_create(gpt=gpt, delegate=sample, defaults={"when": whens[name]})
