"""Downloads through the real client library from a local hub: whole, killed, damaged, refused, cancelled."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple

import pytest

from tests.workers.models.conftest import CHUNK
from tests.workers.models.hub_server import Repo
from workers.models.catalogue import ModelSource
from workers.models.errors import ModelError
from workers.models.hub import download
from workers.models.listing import Hub, look_up
from workers.models.stored import find_stored, stored_models

TINY = ModelSource(repo="acme/tiny")
GGUF = ModelSource(repo="acme/tiny-gguf", file="tiny-q4.gguf")
FETCHED = {
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "config.json",
    "tokenizer.json",
    "merges.txt",
    "chat_template.jinja",
    "tokenizer.model",
}
SCRIPT = """
import sys
from pathlib import Path
from huggingface_hub import constants
from workers.models.catalogue import ModelSource
from workers.models.hub import download
from workers.models.listing import Hub, look_up
constants.DOWNLOAD_CHUNK_SIZE = 1 << 20
hub, home, source = Hub(sys.argv[1]), Path(sys.argv[2]), ModelSource(repo="acme/tiny")
download(look_up(source, hub, home), hub, home, accept=True)
"""


@pytest.fixture
def get(hub, tmp_path):
    """Looks a model up and downloads it."""

    def run(source=TINY, token="", accept=True, **options):
        client = Hub(hub.endpoint, token)
        return download(look_up(source, client, tmp_path), client, tmp_path, accept=accept, **options)

    return run


def test_a_model_is_downloaded_with_what_it_needs_and_no_pickles_or_code(get, hub, tmp_path):
    reports = []
    folder = get(report=reports.append)
    assert folder == tmp_path / "models/hub/acme--tiny" == find_stored("acme/tiny", tmp_path)
    record = json.loads((folder / "guildhall.json").read_text())
    assert {each.name for each in folder.iterdir()} == {*FETCHED, "guildhall.json"}
    assert set(hub.fetched()) == FETCHED
    for name in FETCHED:
        assert (folder / name).read_bytes() == hub.repos["acme/tiny"].files[name]
    assert (record["commit"], record["licence"]) == ("1" * 40, "apache-2.0")
    assert record["accepted_at"]
    assert reports[-1].done == reports[-1].total == sum(file["size"] for file in record["files"])
    assert reports[-1].seconds_left == 0
    hub.seen.clear()
    assert get() == folder  # nothing is fetched again
    assert hub.fetched() == []


def test_a_killed_download_goes_on_where_it_stopped_and_two_never_run_at_once(get, hub, tmp_path):
    hub.stall_after = 2 * CHUNK + 1
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, hub.endpoint, str(tmp_path)], env={**os.environ})
    part = tmp_path / "models/hub/.acme--tiny.partial/model-00001-of-00002.safetensors.part"
    while not part.is_file() or part.stat().st_size < 2 * CHUNK:
        assert child.poll() is None
        time.sleep(0.02)
    with pytest.raises(ModelError, match="Another process is downloading"):
        get()
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert find_stored("acme/tiny", tmp_path) is None
    [unfinished] = stored_models(tmp_path)
    assert (unfinished.name, unfinished.state) == ("acme/tiny", "unfinished")
    hub.stall_after = None
    reports = []
    folder = get(report=reports.append)
    assert hub.ranges() == [f"bytes={2 * CHUNK}-"]
    assert max(report.done for report in reports) == reports[-1].total
    name = "model-00001-of-00002.safetensors"
    assert (folder / name).read_bytes() == hub.repos["acme/tiny"].files[name]
    assert [each.state for each in stored_models(tmp_path)] == ["downloaded"]


@pytest.fixture
def cancelled(get) -> None:
    """A download that was cancelled when two pieces of its largest file were written."""
    reports = []
    with pytest.raises(ModelError, match="cancelled"):
        get(report=reports.append, cancelled=lambda: any(report.done > 2 * CHUNK for report in reports))


def test_a_cancelled_download_keeps_what_it_has(cancelled, get, hub, tmp_path):
    assert find_stored("acme/tiny", tmp_path) is None
    get()
    assert hub.ranges() == [f"bytes={2 * CHUNK}-"]


def test_a_file_starts_anew_where_the_hub_knows_no_ranges(cancelled, get, hub):
    hub.ignores_ranges, name, reports = True, "model-00001-of-00002.safetensors", []
    assert (get(report=reports.append) / name).read_bytes() == hub.repos["acme/tiny"].files[name]
    assert hub.ranges() == [f"bytes={2 * CHUNK}-"]
    assert reports[-1].done == reports[-1].total


def test_a_disk_that_fills_up_meanwhile_is_told(get, monkeypatch):
    def fill(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("workers.models.hub.http_get", fill)
    with pytest.raises(ModelError, match="The disk is full"):
        get()


def test_a_damaged_file_is_deleted_and_fetched_again(get, hub, tmp_path):
    hub.damaged.add("model-00002-of-00002.safetensors")
    with pytest.raises(ModelError, match=r"model-00002-of-00002\.safetensors arrived damaged"):
        get()
    assert not list(tmp_path.glob("models/hub/.acme--tiny.partial/model-00002*"))
    hub.damaged.clear()
    hub.seen.clear()
    get()
    assert "model-00001-of-00002.safetensors" not in hub.fetched()


def test_a_download_stays_with_the_commit_that_it_began_with(get, hub, tmp_path):
    repo = hub.repos["acme/tiny"]
    with pytest.raises(ModelError, match="cancelled"):
        get(cancelled=lambda: "model-00001-of-00002.safetensors" in hub.fetched())
    repo.past[repo.commit], repo.commit = repo.files, "2" * 40
    repo.files = {**repo.files, "config.json": b"{}"}
    assert look_up(TINY, Hub(hub.endpoint), tmp_path).commit == "1" * 40
    repo.past.clear()  # its history was rewritten
    assert (get() / "config.json").read_bytes() == b"{}"


def test_one_gguf_file_is_downloaded_alone(get, hub, tmp_path):
    path = get(GGUF)
    assert path == tmp_path / "models/hub/acme--tiny-gguf--tiny-q4.gguf/tiny-q4.gguf"
    assert path == find_stored("acme/tiny-gguf:tiny-q4.gguf", tmp_path)
    assert path.read_bytes() == hub.repos["acme/tiny-gguf"].files["tiny-q4.gguf"]
    assert hub.fetched() == ["tiny-q4.gguf"]


def test_a_gated_model_needs_a_token_which_no_other_host_sees(get, hub):
    hub.repos["acme/tiny"].gated = True
    with pytest.raises(ModelError, match=r"acme/tiny is gated.*set HF_TOKEN"):
        get()
    with pytest.raises(ModelError, match=r"acme/tiny is gated.*the account of HF_TOKEN"):
        get(token="hf_other")
    hub.seen.clear()
    get(token="hf_good")
    assert all("authorization" in headers for path, headers in hub.seen if not path.startswith("/cdn/"))
    assert not any("authorization" in headers for path, headers in hub.seen if path.startswith("/cdn/"))


def test_nothing_is_fetched_before_the_licence_is_accepted(get, hub, tmp_path):
    with pytest.raises(ModelError, match=r"acme/tiny is under apache-2\.0"):
        get(accept=False)
    assert hub.fetched() == []
    assert not (tmp_path / "models").exists()


def test_a_full_disk_is_told_before_anything_is_fetched(get, hub, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(500_000_000))
    with pytest.raises(ModelError, match=r"needs 1\.0 GB of disk, of which 1\.0 GB stay free; .* has 500 MB"):
        get()
    assert hub.fetched() == []


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (ModelSource(repo="acme/missing"), "has no model acme/missing. Check the name; set HF_TOKEN"),
        (ModelSource(repo="acme/tiny", revision="gone"), "acme/tiny has no revision gone"),
        (ModelSource(repo="acme/pickles"), "has no safetensors files. Other formats can run code"),
        (ModelSource(repo="acme/tiny-gguf"), "It has these GGUF files: acme/tiny-gguf:tiny-q4.gguf."),
        (ModelSource(repo="acme/tiny-gguf", file="q9.gguf"), "has no file q9.gguf. It has these"),
        (ModelSource(repo="acme/tiny-gguf", file="big-00001-of-00002.gguf"), "is one part of several"),
        (ModelSource(repo="acme/traversal"), "has no safetensors files"),
        (ModelSource(repo="acme/bare"), "has no config.json"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(get, hub, source, says):
    hub.repos["acme/pickles"] = Repo({"pytorch_model.bin": b"pickle", "config.json": b"{}"})
    hub.repos["acme/traversal"] = Repo({"../../evil.safetensors": b"x", "..\\evil.safetensors": b"x"})
    hub.repos["acme/bare"] = Repo({"model.safetensors": b"x"})
    with pytest.raises(ModelError) as refused:
        get(source)
    assert says in str(refused.value)
    assert hub.fetched() == []


def test_no_network_and_no_hub_are_told(hub, tmp_path):
    with pytest.raises(ModelError, match=r"Couldn't connect to http://127\.0\.0\.1:9 .*HF_ENDPOINT"):
        look_up(TINY, Hub("http://127.0.0.1:9"), tmp_path)
    with pytest.raises(ModelError, match="isn't a hub's"):
        look_up(TINY, Hub(f"{hub.endpoint}/page"), tmp_path)
