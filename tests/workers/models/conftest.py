"""A local hub, and a guard: nothing here may reach out to the internet."""

import random
import socket
from collections.abc import Iterator

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from tests.workers.models.hub_server import HubServer, Repo, serving

CHUNK = 1 << 20  # bytes that the client writes at a time here; usually ten times as many
CONFIG = b'{"model_type": "llama"}'


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch) -> Iterator[None]:
    """As in a process that has loaded a model, and with no other host to be found."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", CHUNK)
    find = socket.getaddrinfo

    def find_local(host, *args, **kwargs):
        assert host in ("127.0.0.1", "localhost"), f"a test asked for {host}"
        return find("127.0.0.1", *args, **kwargs)  # the hub does not listen on IPv6

    monkeypatch.setattr(socket, "getaddrinfo", find_local)
    yield
    close_session()


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serving() as server:
        server.repos["acme/tiny"] = Repo(
            {
                "model-00001-of-00002.safetensors": random.Random(1).randbytes(2 * CHUNK + CHUNK // 2),
                "model-00002-of-00002.safetensors": b"safe" * 300_000,
                "model.safetensors.index.json": b'{"weight_map": {}}',
                "config.json": CONFIG,
                "tokenizer.json": b"{}",
                "merges.txt": b"a b",
                "chat_template.jinja": b"{{ messages }}",
                "tokenizer.model": b"pieces",
                # Never fetched:
                "README.md": b"# Tiny",
                "pytorch_model.bin": b"a pickle",
                "modeling_tiny.py": b"import os",
                "consolidated.safetensors": b"the same again",
                "original/model.safetensors": b"the same again",
                "guildhall.json": b"not a record",
            }
        )
        server.repos["acme/tiny-gguf"] = Repo(
            {"tiny-q4.gguf": b"GGUF" * 300_000, "big-00001-of-00002.gguf": b"GGUF", "README.md": b""}, licence="mit"
        )
        yield server
