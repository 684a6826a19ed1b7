"""How far a download is, counted from the client library's progress bar."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workers.models.errors import ModelError


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes that are here, of all; bytes per second of this process, and seconds left (None: not known yet)."""

    file: str
    done: int
    total: int
    speed: float = 0.0
    seconds_left: float | None = None


Report = Callable[[Progress], object]


@dataclass(slots=True)
class Meter:
    """Counts bytes, reports them, and stops the download when `cancelled()`."""

    total: int
    report: Report
    cancelled: Callable[[], bool]
    file: str = ""
    done: int = 0
    received: int = 0
    started: float = field(default_factory=time.monotonic)

    def add(self, n_bytes: int, *, received: bool = True) -> None:
        """Count bytes, received now or kept from an earlier attempt. Raises ModelError if cancelled."""
        if self.cancelled():
            raise ModelError("The download was cancelled. Downloading again goes on from where it stopped.")
        self.done += n_bytes
        self.received += n_bytes if received else 0
        speed = max(self.received, 0) / max(time.monotonic() - self.started, 0.001)
        left = (self.total - self.done) / speed if speed else None
        self.report(Progress(self.file, self.done, self.total, speed, left))


class MeterBar:
    """The part of tqdm's interface that `http_get` uses, over a meter."""

    def __init__(self, meter: Meter, initial: int = 0, **_: Any) -> None:
        self._meter = meter
        meter.add(initial, received=False)

    def __enter__(self) -> "MeterBar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n_bytes: int) -> None:
        """Count bytes; fewer than none when the file starts anew after a broken connection."""
        self._meter.add(n_bytes)
