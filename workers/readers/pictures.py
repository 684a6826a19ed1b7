"""Decodes pictures of others: a small square for a GPT, and the pixels of any picture."""

import json
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps

from workers.isolation.errors import BrokenFile, TooLarge

EDGE: Final = 256  # pixels of the square that is kept
# Decoding more would take over 100 MB. JPEG decodes at a fraction of its size, but keeps all coefficients of a
# progressive picture; WebP takes 16 bytes a pixel (measured with Pillow 13, 2026-11).
MAX_PIXELS: Final = {"JPEG": 12_500_000, "MPO": 12_500_000, "PNG": 8_300_000, "GIF": 8_300_000, "WEBP": 5_000_000}
FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF")
# Of a picture to vary, or of one that was drawn: four bytes per pixel while it is decoded.
MAX_DRAWN_PIXELS: Final = 16_777_216
DRAWN_FORMATS: Final = ("PNG", "JPEG", "WEBP")
SIZE: Final = struct.Struct(">II")
_UNREADABLE: Final = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def square(data: bytes) -> bytes:
    """The middle square of the picture, EDGE pixels wide, upright, as WebP; or as JSON what is too large about it.

    Raises BrokenFile.
    """
    return _small(data, as_square)


def logo(data: bytes) -> bytes:
    """The whole picture, as `square` makes the middle of it."""
    return _small(data, lambda image: _webp(ImageOps.contain(_with_colours(image), (EDGE, EDGE))))


def _small(data: bytes, make: Callable[[Image.Image], bytes]) -> bytes:
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:  # reads the header only
            limit = MAX_PIXELS[str(image.format)]
            if image.width * image.height > limit:
                return json.dumps({"format": image.format, "most": limit}).encode()
            image.draft("RGB", (2 * EDGE, 2 * EDGE))
            ImageOps.exif_transpose(image, in_place=True)
            return make(image)
    except _UNREADABLE as error:
        raise BrokenFile from error


def as_square(image: Image.Image) -> bytes:
    """The middle square of `image` as WebP."""
    return _webp(ImageOps.fit(_with_colours(image), (EDGE, EDGE)))


def _with_colours(image: Image.Image) -> Image.Image:
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")


def _webp(image: Image.Image) -> bytes:
    made = BytesIO()
    image.convert("RGBA").save(made, "WEBP", quality=88)
    return made.getvalue()


def pixels(data: bytes) -> bytes:
    """Width, height and pixels of the picture as upright RGB. Raises BrokenFile and TooLarge."""
    try:
        with Image.open(BytesIO(data), formats=DRAWN_FORMATS) as image:
            if image.width * image.height > MAX_DRAWN_PIXELS:
                raise TooLarge
            upright = ImageOps.exif_transpose(image).convert("RGB")
            return SIZE.pack(*upright.size) + upright.tobytes()
    except _UNREADABLE as error:
        raise BrokenFile from error
