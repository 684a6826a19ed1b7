"""After a change of EMBEDDER, real workers read all files again while a GPT goes on answering."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from tests.publishing import publish
from web.builder.files import add_file
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt
from workers.knowledge.embed import Embedder
from workers.knowledge.index import KnowledgeIndex

pytestmark = [pytest.mark.process, pytest.mark.model, pytest.mark.django_db(transaction=True)]

WORKER = Path(__file__).with_name("index_and_die.py")
FILES = {
    "manual.md": "# Pump\n\nThe filter part number is ZP-771.\n",
    "leave.md": "# Leave\n\nEvery employee has 28 days of paid leave a year.\n",
    "rules.md": "# Rules\n\n" + "\n\n".join(f"Rule {n}: keep door {n} shut at night." for n in range(900)),
}


@pytest.fixture
def other(tmp_path) -> Embedder:
    """Another embedder: the bundled one behind prefixes, so that its vectors differ."""
    for path in Embedder().folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    prompts = tmp_path / "config_sentence_transformers.json"
    prompts.unlink()
    prompts.write_text(json.dumps({"prompts": {"query": "query: ", "passage": "passage: "}}))
    return Embedder(str(tmp_path))


@pytest.fixture
def gpt(alice, transactional_db) -> Gpt:
    gpt = create_gpt(alice, {"name": "Pump Doctor"})
    for name, text in FILES.items():
        add_file(gpt, name, [text.encode()])
    assert finished(start("bundled")) == (0, 3)
    publish(gpt)
    return gpt


def start(embedder: str, *arguments: str) -> "subprocess.Popen[str]":
    env = {
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "web.settings",
        "EMBEDDER": embedder,
        "GUILDHALL_HOME": str(settings.GUILDHALL_HOME),
        "PATH": "",
        "PYTHONPATH": ":".join(sys.path),
    }
    return subprocess.Popen([sys.executable, str(WORKER), *arguments], env=env, stdout=subprocess.PIPE, text=True)


def finished(worker: "subprocess.Popen[str]") -> tuple[int, ...]:
    """How many files it queued and how many it read; none if it was killed."""
    return tuple(map(int, worker.communicate(timeout=300)[0].split()))


def answers(gpt: Gpt, embedder: Embedder) -> list[bool]:
    """Whether the published version finds, in the right file, what each question is about."""
    gpt.refresh_from_db()
    refs = gpt.published.spec().knowledge
    index = KnowledgeIndex(settings.GUILDHALL_HOME, embedder)
    asked = ("Which filter part number?", "manual.md"), ("How many days of paid leave?", "leave.md")
    found = [(index.search(refs, question), name) for question, name in asked]
    return [each.covered and each.passages[0].file_name == name for each, name in found]


def test_it_answers_before_during_and_after_and_each_file_is_read_again_once(gpt, other) -> None:
    before = {file.segment for file in KnowledgeFile.objects.all()}
    assert answers(gpt, other) == [True, True]  # restarted with the other embedder: by words

    assert finished(start(str(other.folder), "die")) == ()
    outdated = KnowledgeFile.objects.filter(segment__in=before)
    n_outdated = outdated.count()
    assert n_outdated > 0
    assert answers(gpt, other) == [True, True]

    KnowledgeFile.objects.exclude(claimed_until=None).update(claimed_until=timezone.now() - timedelta(seconds=1))
    workers = [start(str(other.folder)) for _ in range(2)]
    assert sum(n_read for _, n_read in map(finished, workers)) == n_outdated
    assert not outdated.exists()

    gpt.refresh_from_db()
    assert not {ref.segment for ref in gpt.published.spec().knowledge} & before
    assert answers(gpt, other) == [True, True]
