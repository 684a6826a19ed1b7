"""Whether a model of the catalogue fits a machine, decided from its numbers."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.models.catalogue import Entry

# What the site, its workers and the embedder take, besides the base model.
SITE_BYTES: Final = 2_000_000_000
# Disk that a download leaves free.
DISK_MARGIN: Final = 1_000_000_000
# A CPU reads every active weight for every token: 8.5 GB at some 20 GB/s of memory give 2 tokens per second.
CPU_BYTES_PER_TOKEN: Final = 8_500_000_000
MEMORY: Final = Path("/proc/meminfo")
# Where a container's memory limit is written (cgroup version 2).
CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class MachineSize:
    """Bytes of memory, of free disk where models are kept, and of GPU memory (0: no GPU)."""

    memory: int
    free_disk: int
    gpu_memory: int = 0


def this_machine(models: Path, gpu_memory: int = 0) -> MachineSize:
    """This machine, with models in the directory `models`; who has torch loaded knows `gpu_memory`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if CGROUP_LIMIT.is_file() and (limit := CGROUP_LIMIT.read_text().strip()).isdigit():
        memory = min(memory, int(limit))
    return MachineSize(memory, free_bytes(models), gpu_memory)


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
    """Bytes of disk: the download, the 16-bit copy that is made of a GGUF file, and a margin."""
    return entry.download_bytes + (entry.parameters * 2 if entry.file else 0) + DISK_MARGIN


def misfit(entry: Entry, machine: MachineSize, *, is_stored: bool = False) -> str:
    """Why the model does not fit the machine, as a sentence; empty if it does."""
    if entry.engine == "server":
        return "Needs a model server; the built-in engine can't load it."
    if entry.memory > machine.gpu_memory and entry.memory + SITE_BYTES > machine.memory:
        found = f"{gigabytes(machine.memory)} of memory"
        if machine.gpu_memory:
            found += f" and {gigabytes(machine.gpu_memory)} on the GPU"
        return f"Needs {gigabytes(entry.memory)} besides the site's {gigabytes(SITE_BYTES)}; there are {found}."
    if not is_stored and disk_needed(entry) > machine.free_disk:
        return f"Needs {gigabytes(disk_needed(entry))} of disk; {gigabytes(machine.free_disk)} are free."
    return ""


def best(entries: Iterable[Entry], machine: MachineSize) -> Entry | None:
    """The largest model that fits and, without a GPU for it, answers in reasonable time; None if none does."""
    usable = [each for each in entries if not misfit(each, machine) and _is_fast_enough(each, machine)]
    return max(usable, key=lambda each: (each.parameters, not each.file), default=None)


def _is_fast_enough(entry: Entry, machine: MachineSize) -> bool:
    return entry.memory <= machine.gpu_memory or (entry.active or entry.parameters) * 2 <= CPU_BYTES_PER_TOKEN


def gigabytes(n: int) -> str:
    """`n` bytes for people: "2.5 GB"; below a gigabyte "120 MB"."""
    return f"{n / 1e9:.1f} GB" if n >= 1_000_000_000 else f"{n / 1e6:.0f} MB"
