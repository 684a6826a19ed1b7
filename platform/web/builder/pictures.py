"""Pictures of GPTs, uploaded or generated: decoded and encoded again, so that nothing but pixels is kept."""

import hashlib
import secrets
from base64 import b64decode
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.utils.translation import gettext
from PIL import Image, ImageOps

from web import rpc
from web.accounts import quotas
from web.accounts.models import User
from web.builder.models import Gpt

EDGE = 256  # pixels of the square that is kept
# Decoding more would take over 100 MB of the web process. JPEG decodes at a fraction of its size, but keeps all
# coefficients of a progressive picture; WebP takes 16 bytes a pixel (measured with Pillow 13, 2026-11).
MAX_PIXELS = {"JPEG": 12_500_000, "MPO": 12_500_000, "PNG": 8_300_000, "GIF": 8_300_000, "WEBP": 5_000_000}
PROMPT_CHARS = 1_000
GENERATE_TIMEOUT_S = 120
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def store_picture(upload: "File[Any]") -> str:
    """The name of the square WebP made of `upload`, now in MEDIA_ROOT. Raises ValidationError."""
    if (upload.size or 0) > settings.MAX_PICTURE_BYTES:
        raise ValidationError(
            gettext("Too large: a picture can have up to {n} MB.").format(n=settings.MAX_PICTURE_BYTES // 1024**2)
        )
    return _keep(read_square(upload.file))


def generated_picture(gpt: Gpt, prompt: str, by: User) -> str:
    """The name of a picture that a worker made, now in MEDIA_ROOT; an empty prompt: from name and description.

    Blocks the calling thread for up to GENERATE_TIMEOUT_S seconds. Raises ValidationError, NoResult, QuotaExceeded.
    """
    if len(prompt) > PROMPT_CHARS:
        raise ValidationError(gettext("Describe the picture in up to {limit} characters.").format(limit=PROMPT_CHARS))
    queue = "tools" if settings.IMAGE_URL else "model"
    prompt = prompt.strip() or f"A simple, friendly emblem for “{gpt.name}”. {gpt.description}".strip()
    task = "workers.tasks.make_picture"
    with quotas.taken(by.pk, "pictures"):
        args = (by.pk, task, str(gpt.id), prompt)
        result = rpc.call_for(*args, queue=queue, timeout_s=GENERATE_TIMEOUT_S)
        if "refused" in result:
            raise ValidationError(result["refused"])
        return _keep(read_square(BytesIO(b64decode(result["picture"]))))


def _keep(square: Image.Image) -> str:
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(square.tobytes()).hexdigest()[:24] + ".webp"
    draft = settings.MEDIA_ROOT / f".{secrets.token_hex(8)}-{name}"  # the same picture may come twice at once
    square.save(draft, "WEBP", quality=88)
    draft.replace(settings.MEDIA_ROOT / name)
    return name


def read_square(file: Any) -> Image.Image:
    """The middle square of the picture in `file`, EDGE pixels wide, upright. Raises ValidationError."""
    try:
        with Image.open(file, formats=FORMATS) as image:  # reads the header only
            limit = MAX_PIXELS[str(image.format)]
            if image.width * image.height > limit:
                raise ValidationError(
                    gettext("Too large: a {format} can have up to {n} million pixels.").format(
                        format=image.format, n=limit // 10**6
                    )
                )
            image.draft("RGB", (2 * EDGE, 2 * EDGE))
            ImageOps.exif_transpose(image, in_place=True)
            upright = image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")
            return ImageOps.fit(upright, (EDGE, EDGE)).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(gettext("Couldn’t read this picture. Use PNG, JPEG, WebP or GIF.")) from error
