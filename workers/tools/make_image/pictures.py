"""Orders for pictures; pictures of others, decoded in a child process, and encoding them again without metadata."""

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from workers.isolation.errors import FileError, TooLarge
from workers.isolation.parent import ParserLimits, run_on_bytes
from workers.readers.pictures import MAX_DRAWN_PIXELS, SIZE
from workers.tools import ToolError

MIME: Final = "image/png"
_PIXELS: Final = "workers.readers.pictures:pixels"
_LIMITS: Final = ParserLimits(15, 15, page_s=0, max_s=15, memory_bytes=1_000_000_000)
NAME_CHARS: Final = 48
TOO_SLOW: Final = "The picture took too long. Ask for a smaller one, or for fewer at once."
TOO_LARGE: Final = f"The picture has more than {MAX_DRAWN_PIXELS // 10**6} million pixels. Ask for a smaller one."
UNREADABLE: Final = "The image service returned something that isn't a picture. Try again, or tell your admin."


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


def read_picture(data: bytes) -> Image.Image:
    """The picture in `data` as upright RGB. Raises ToolError if it is not one or has too many pixels."""
    try:
        made = run_on_bytes(_PIXELS, data, limits=_LIMITS)
    except TooLarge as error:
        raise ToolError(TOO_LARGE) from error
    except FileError as error:
        raise ToolError(UNREADABLE) from error
    return Image.frombytes("RGB", SIZE.unpack_from(made), made[SIZE.size :])


def read_file(path: Path) -> Image.Image:
    """The picture in the file. Raises ToolError."""
    try:
        return read_picture(path.read_bytes())
    except OSError as error:
        raise ToolError("The picture to vary no longer exists. Attach it again.") from error


def as_png(image: Image.Image) -> bytes:
    """`image` as a PNG without metadata. Raises ToolError if it has too many pixels."""
    if image.width * image.height > MAX_DRAWN_PIXELS:
        raise ToolError(TOO_LARGE)
    bare = Image.frombytes("RGB", image.size, image.convert("RGB").tobytes())
    data = BytesIO()
    bare.save(data, "PNG")
    return data.getvalue()


def name_for(prompt: str, taken: Collection[str]) -> str:
    """A file name from the prompt's first words that is not in `taken`."""
    words = "-".join(re.findall(r"\w+", prompt.lower()))
    stem = words if len(words) <= NAME_CHARS else words[:NAME_CHARS].rsplit("-", 1)[0]
    stem, number = stem.strip("-_") or "picture", 1
    while (name := f"{stem}.png" if number == 1 else f"{stem}-{number}.png") in taken:
        number += 1
    return name
