"""Whether a model of the catalogue fits a machine, decided from its numbers."""

import os
import re
import shutil
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gpts.spec.base_models import gigabytes
from workers.models.catalogue import Entry, entry_named
from workers.models.stored import Manifest

# What the site, its workers and the embedder take, besides the base model.
SITE_BYTES: Final = 2_000_000_000
# Disk that a download leaves free.
DISK_MARGIN: Final = 1_000_000_000
# A CPU reads every active weight for every token, somewhat slower than its memory allows (2026-11: 1.4 GB 16 times a
# second where all cores together read 30 GB/s, at short contexts).
SHARE_OF_MEMORY_SPEED: Final = 0.75
# Bytes per second, where it was not measured: two channels of DDR4.
USUAL_MEMORY_SPEED: Final = 25_000_000_000
SLOW_TOKENS_PER_S: Final = 4.0
_GGUF_BITS: Final = re.compile(r"[qQ]([2-8])")
MEMORY: Final = Path("/proc/meminfo")
# Where a container's memory limit is written (cgroup version 2).
CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class MachineSize:
    """Bytes of memory, of free disk where models are kept, and of GPU memory (0: no GPU).

    Models on the GPU may have as few as `gpu_bits` per weight. All cores together read `memory_speed` bytes a second.
    """

    memory: int
    free_disk: int
    gpu_memory: int = 0
    gpu_bits: int = 16
    memory_speed: int = USUAL_MEMORY_SPEED


def this_machine(models: Path, gpu_memory: int = 0, gpu_bits: int = 16) -> MachineSize:
    """This machine, with models in the directory `models`; who has torch loaded knows of the GPU."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if CGROUP_LIMIT.is_file() and (limit := CGROUP_LIMIT.read_text().strip()).isdigit():
        memory = min(memory, int(limit))
    return MachineSize(memory, free_bytes(models), gpu_memory, gpu_bits)


def fits_beside(weights: int) -> bool:
    """Whether a model with so many bytes of weights fits the memory beside what runs now. Linux only; else False."""
    try:
        lines = MEMORY.read_text().splitlines()
    except OSError:
        return False
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return weights * 13 // 10 + SITE_BYTES < kilobytes * 1024


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk that `folder` is on, or will be on."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def disk_needed(entry: Entry) -> int:
    """Bytes of disk: the download, the copy that is made for the CPU or of a GGUF file, and a margin."""
    return entry.download_bytes + (entry.cpu_bytes if entry.compact or entry.file else 0) + DISK_MARGIN


def misfit(entry: Entry, machine: MachineSize, *, is_stored: bool = False) -> str:
    """Why the model does not fit the machine, as a sentence; empty if it does."""
    if entry.engine == "server":
        return "Needs a model server; the built-in engine can't load it."
    needed = entry.gpu_memory(machine.gpu_bits)
    if machine.gpu_memory and needed > machine.gpu_memory:
        return f"Needs {gigabytes(needed)} of GPU memory; there are {gigabytes(machine.gpu_memory)}."
    if not machine.gpu_memory and entry.cpu_memory + SITE_BYTES > machine.memory:
        besides = f"{gigabytes(entry.cpu_memory)} besides the site's {gigabytes(SITE_BYTES)}"
        return f"Needs {besides}; there are {gigabytes(machine.memory)} of memory."
    if not is_stored and disk_needed(entry) > machine.free_disk:
        return f"Needs {gigabytes(disk_needed(entry))} of disk; {gigabytes(machine.free_disk)} are free."
    return ""


def misfit_of(found: Manifest, machine: MachineSize, *, is_stored: bool = False) -> str:
    """Like `misfit`, for what a hub has. Weights have 16 bits, or as many as the name of a GGUF file says."""
    entry = entry_named(found.source.typed)
    if entry is None:
        bits = _GGUF_BITS.search(found.source.file)
        values = {**found.source.model_dump(), "name": "other", "title": "", "licence": "", "languages": ""}
        parameters = max(found.total * 8 // (int(bits[1]) if bits else 16), 1)
        entry = Entry(**values, parameters=parameters, download_bytes=max(found.total, 1))
    return misfit(entry, machine, is_stored=is_stored)


def best(entries: Iterable[Entry], machine: MachineSize, stored: Container[str] = ()) -> Entry | None:
    """The largest model that fits and, without a GPU for it, answers in reasonable time; None if none does.

    `stored`: the names of those that need no more disk.
    """
    fitting = [each for each in entries if not misfit(each, machine, is_stored=each.name in stored)]
    usable = [each for each in fitting if is_fast_enough(each, machine)]
    on_gpu = bool(machine.gpu_memory)
    return max(usable, key=lambda each: (each.parameters, bool(each.file) != on_gpu), default=None)


def is_fast_enough(entry: Entry, machine: MachineSize) -> bool:
    """Whether the model, if it fits, writes at least some four tokens per second."""
    return cpu_tokens_per_s(entry, machine) >= SLOW_TOKENS_PER_S or bool(machine.gpu_memory)


def cpu_tokens_per_s(entry: Entry, machine: MachineSize) -> float:
    """About how many tokens per second the model would write in one chat on the machine's CPU."""
    read = entry.cpu_bytes * (entry.active or entry.parameters) / entry.parameters
    return SHARE_OF_MEMORY_SPEED * machine.memory_speed / read
