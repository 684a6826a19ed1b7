"""What a backend is asked to draw, what it may use meanwhile, and where the backends are."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final, cast

from PIL import Image

from workers.tools import ToolError
from workers.tools.settings import ImageSettings, ToolSettings

# Backend -> "module", which defines draw: Draw and unavailable(config) -> str (empty: it works here).
BACKENDS: Final[dict[str, str]] = {
    "diffusers": "workers.tools.make_image.diffusion",
    "openai": "workers.tools.make_image.endpoint",
}
TOO_SLOW: Final = "The picture took longer than it may here; ask for a smaller one, or for one instead of several."


@dataclass(frozen=True, slots=True)
class Order:
    """`n` pictures of `prompt`, `width` by `height` pixels; `source` is the RGB picture to vary, if any."""

    prompt: str
    width: int
    height: int
    n: int = 1
    source: Image.Image | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """How a backend hears that it must end, and tells how far it is."""

    deadline_s: float
    check: Callable[[], None] = lambda: None
    progress: Callable[[str], None] = lambda text: None
    _started: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Raises what `check` raises, or ToolError once the time is over. Call it several times a second."""
        self.check()
        if time.monotonic() - self._started > self.deadline_s:
            raise ToolError(TOO_SLOW)


# Yields each picture as soon as it is drawn; raises ToolError.
Draw = Callable[[ToolSettings, Order, Watch], Generator[Image.Image]]


def drawer(config: ImageSettings) -> Draw:
    """The function that draws with what `config` names."""
    return cast(Draw, import_module(BACKENDS[config.backend]).draw)


def unavailable(config: ImageSettings) -> str:
    """Why what `config` names cannot draw here; empty if nothing speaks against it."""
    return cast(str, import_module(BACKENDS[config.backend]).unavailable(config))
