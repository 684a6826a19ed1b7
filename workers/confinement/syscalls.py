"""Numbers of the Linux system calls that a confined process is denied, for each machine (syscalls.toml)."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Number on x86_64, number on aarch64 (None where that machine never had it).
Numbers = tuple[int | None, int | None]


def _read(calls: Mapping[str, list[int]]) -> dict[str, Numbers]:
    return {name: (numbers[0], numbers[1] if len(numbers) > 1 else None) for name, numbers in calls.items()}


_TABLE: Final = tomllib.loads(Path(__file__).with_name("syscalls.toml").read_text("utf-8"))
LAST: Final[int] = _TABLE["last"]
DENIED: Final = {name: numbers for group in _TABLE["denied"].values() for name, numbers in _read(group).items()}
LIMITED: Final = _read(_TABLE["limited"])
