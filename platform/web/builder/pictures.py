"""Pictures of GPTs. An upload is decoded and drawn anew, so that only its pixels are kept: no metadata, no tail."""

import hashlib
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps

EDGE = 256  # pixels of the square that is kept
MAX_PIXELS = 40_000_000  # decoding more would cost over 160 MB of memory
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def store_picture(upload: "UploadedFile[Any]") -> str:
    """The name of the square WebP made of `upload`, now in MEDIA_ROOT. Raises ValidationError with a sentence."""
    if (upload.size or 0) > settings.MAX_PICTURE_BYTES:
        raise ValidationError(f"The picture is larger than {settings.MAX_PICTURE_BYTES // 1024**2} MB.")
    square = read_square(upload.file)
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(square.tobytes()).hexdigest()[:24] + ".webp"
    draft = settings.MEDIA_ROOT / f".{name}"
    square.save(draft, "WEBP", quality=88)
    draft.replace(settings.MEDIA_ROOT / name)
    return name


def read_square(file: Any) -> Image.Image:
    """The middle square of the picture in `file`, EDGE pixels wide, upright. Raises ValidationError."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValidationError(f"The picture has more than {MAX_PIXELS // 10**6} million pixels.")
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError("This picture cannot be read. Use PNG, JPEG, WebP or GIF.") from error
    return ImageOps.fit(upright, (EDGE, EDGE))
