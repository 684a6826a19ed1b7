"""The catalogue is consistent, names find their files, and what fits a machine follows from its numbers."""

import re

import pytest

from workers.models.catalogue import ModelSource, catalogue, entry_named, find_source
from workers.models.errors import ModelError
from workers.models.machine import MachineSize, best, misfit, this_machine

GB = 1_000_000_000
FREE = {"Apache-2.0", "MIT"}
RESTRICTED = {"Gemma Terms of Use", "MIT and Llama 3.3 Community"}


def test_every_entry_is_whole_and_there_is_one_for_each_purpose():
    entries = catalogue()
    for unique in ({each.name for each in entries}, {each.typed for each in entries}):
        assert len(unique) == len(entries) >= 15
    for each in entries:
        assert re.fullmatch(r"main|[0-9a-f]{40}", each.revision)
        assert each.licence in FREE | RESTRICTED
        assert each.active < each.parameters
        # Four to sixteen bits per weight, and the rest of the files.
        assert 0.5 < each.download_bytes / each.parameters < 2.2
        assert each.file.endswith(".gguf") == ("4 bits" in each.title)
    assert entries[0].parameters < GB
    assert entries[-1].parameters > 70 * GB
    assert {ability for each in entries for ability in each.abilities} == {"tools", "reasoning", "vision"}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("qwen3-8b", ModelSource(repo="Qwen/Qwen3-8B")),
        ("qwen3-4b-q4", ModelSource(repo="Qwen/Qwen3-4B-GGUF", file="Qwen3-4B-Q4_K_M.gguf")),
        ("acme/Tiny.v1-2", ModelSource(repo="acme/Tiny.v1-2")),
        ("acme/tiny:sub/q4.gguf", ModelSource(repo="acme/tiny", file="sub/q4.gguf")),
    ],
)
def test_a_name_finds_its_source(name, source):
    assert find_source(name) == source


@pytest.mark.parametrize(
    "name",
    [
        "",
        "qwen",
        "acme/",
        "a/b/c",
        "../etc",
        "acme/..",
        "acme/a--b",
        "acme/tiny:../x.gguf",
        "acme/tiny:x.bin",
        "a b/c",
    ],
)
def test_other_names_are_refused(name):
    with pytest.raises(ModelError, match="neither in the catalogue"):
        find_source(name)


def test_what_fits_depends_on_memory_disk_and_gpu():
    large, served = entry_named("qwen3-8b"), entry_named("gpt-oss-20b")
    assert large
    assert served
    assert misfit(large, MachineSize(64 * GB, 100 * GB)) == ""
    assert misfit(large, MachineSize(16 * GB, 100 * GB, 24 * GB)) == ""
    assert misfit(large, MachineSize(16 * GB, 100 * GB)) == ""  # in 8 bits
    assert misfit(large, MachineSize(8 * GB, 100 * GB)) == (
        "Needs 9.5 GB besides the site's 2.0 GB; there are 8.0 GB of memory."
    )
    assert misfit(large, MachineSize(64 * GB, 100 * GB, 12 * GB)) == (
        "Needs 19.5 GB of GPU memory; there are 12.0 GB."  # where there is a GPU, models run there
    )
    assert misfit(large, MachineSize(64 * GB, 100 * GB, 12 * GB, gpu_bits=4)) == ""
    phi = entry_named("phi-4")  # not known to the CPU engine, so in 16 bits
    assert phi
    assert "Needs 32" in misfit(phi, MachineSize(16 * GB, 100 * GB))
    assert "of disk; 9.0 GB are free" in misfit(large, MachineSize(64 * GB, 9 * GB))
    assert misfit(large, MachineSize(64 * GB, 9 * GB), is_stored=True) == ""
    assert "model server" in misfit(served, MachineSize(640 * GB, 900 * GB, 640 * GB))


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        (MachineSize(1 * GB, 100 * GB), None),
        (MachineSize(16 * GB, 100 * GB), "qwen3-4b-q4"),
        (MachineSize(64 * GB, 100 * GB), "qwen3-4b-q4"),  # larger ones would be slow on a CPU
        (MachineSize(64 * GB, 100 * GB, memory_speed=400 * GB), "qwen3-32b"),  # a server with fast memory
        (MachineSize(16 * GB, 100 * GB, 12 * GB), "qwen3-4b"),
        (MachineSize(64 * GB, 500 * GB, 80 * GB), "qwen3-32b"),
        (MachineSize(64 * GB, 500 * GB, 24 * GB, gpu_bits=16), "qwen3-8b"),
        (MachineSize(64 * GB, 500 * GB, 24 * GB, gpu_bits=4), "mistral-small-24b"),
    ],
)
def test_the_best_is_the_largest_that_fits_and_answers_in_time(machine, name):
    found = best(catalogue(), machine)
    assert (found and found.name) == name


def test_this_machine_has_memory_and_disk(tmp_path):
    found = this_machine(tmp_path / "not" / "yet")
    assert found.memory > 0
    assert found.free_disk > 0
