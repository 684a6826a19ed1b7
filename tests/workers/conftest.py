"""What tests of the workers' bridge to the tables share."""

import pytest

from tests.workers.knowledge.conftest import WordEmbedder
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt
from workers.indexing import files as indexing


@pytest.fixture
def words(monkeypatch) -> WordEmbedder:
    """The embedder of the worker that reads files, without weights."""
    stand_in = WordEmbedder()
    monkeypatch.setattr(indexing, "shared_embedder", lambda setting, threads, home: stand_in)
    return stand_in


@pytest.fixture
def draft(alice) -> Gpt:
    """Alice's GPT without files."""
    return create_gpt(alice, {"name": "Pump Doctor"})


def read(file: KnowledgeFile) -> KnowledgeFile:
    """The file after a worker took what was due first."""
    indexing.index_next()
    file.refresh_from_db()
    return file
