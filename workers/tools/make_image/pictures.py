"""Orders for pictures; decoding pictures and encoding them again, limited in size and without metadata."""

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from workers.tools import ToolError

MIME: Final = "image/png"
FORMATS: Final = ("PNG", "JPEG", "WEBP")
# Decoding takes four bytes per pixel. The largest size on offer has less than a tenth of this.
MAX_PIXELS: Final = 16_777_216
NAME_CHARS: Final = 48
TOO_SLOW: Final = "The picture took too long. Ask for a smaller one, or for fewer at once."
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
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _check_size(image)
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ToolError(UNREADABLE) from error


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ToolError(f"The picture has more than {MAX_PIXELS // 10**6} million pixels. Ask for a smaller one.")


def read_file(path: Path) -> Image.Image:
    """The picture in the file. Raises ToolError."""
    try:
        return read_picture(path.read_bytes())
    except OSError as error:
        raise ToolError("The picture to vary no longer exists. Attach it again.") from error


def as_png(image: Image.Image) -> bytes:
    """`image` as a PNG without metadata. Raises ToolError."""
    _check_size(image)
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
