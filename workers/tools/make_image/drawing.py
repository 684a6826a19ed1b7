"""The interface of the backends that draw, and the list of them."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final, cast

from PIL import Image

from workers.tools import ToolError
from workers.tools.settings import ImageSettings, ToolSettings

# Backend -> module, which defines draw: Draw and unavailable(config) -> str (empty if it works here).
BACKENDS: Final[dict[str, str]] = {
    "diffusers": "workers.tools.make_image.diffusion",
    "openai": "workers.tools.make_image.endpoint",
}
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


# Yields each picture as soon as it is drawn; raises ToolError.
Draw = Callable[[ToolSettings, Order, DrawingControl], Generator[Image.Image]]


def drawer(config: ImageSettings) -> Draw:
    """The `draw` function of the configured backend."""
    return cast(Draw, import_module(BACKENDS[config.backend]).draw)


def unavailable(config: ImageSettings) -> str:
    """Why the configured backend cannot draw here, for users; empty if it can."""
    return cast(str, import_module(BACKENDS[config.backend]).unavailable(config))
