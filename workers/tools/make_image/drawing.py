"""What the backends that draw share: the order, and control over time and progress."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from workers.tools import ToolError

TOO_SLOW: Final = "The picture took too long. Ask for a smaller one, or for fewer at once."


@dataclass(frozen=True, slots=True)
class Order:
    """`n` pictures of `prompt`, `width` by `height` pixels; `source` is the RGB picture to vary, if any."""

    prompt: str
    width: int
    height: int
    n: int = 1
    source: Image.Image | None = None


@dataclass(frozen=True, slots=True)
class DrawingControl:
    """Ends a backend's work when it must stop, and reports its progress."""

    deadline_s: float
    check: Callable[[], None] = lambda: None
    progress: Callable[[str], None] = lambda text: None
    _started: float = field(default_factory=time.monotonic)

    def check_time(self) -> None:
        """Raise what `check` raises, or ToolError after the deadline. Call it several times a second."""
        self.check()
        if time.monotonic() - self._started > self.deadline_s:
            raise ToolError(TOO_SLOW)
