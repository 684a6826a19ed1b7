"""Pictures of GPTs, uploaded or generated: a worker makes a square of pixels of them, and nothing else is kept."""

import hashlib
import json
import secrets
from base64 import b64decode
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.utils.translation import gettext

from web import confined, rpc
from web.accounts import quotas
from web.accounts.models import User
from web.builder.models import Gpt

PROMPT_CHARS = 1_000
GENERATE_TIMEOUT_S = 120


def store_picture(upload: "File[Any]", by: User, reader: str = "picture") -> str:
    """The name of the square WebP that a worker makes of `upload`, now in MEDIA_ROOT; a "logo" is kept whole.

    Raises ValidationError and NoResult.
    """
    if (upload.size or 0) > settings.MAX_PICTURE_BYTES:
        raise ValidationError(
            gettext("Too large: a picture can have up to {n} MB.").format(n=settings.MAX_PICTURE_BYTES // 1024**2)
        )
    try:
        made = confined.read(by.pk, reader, upload.chunks())
    except confined.Unreadable as error:
        raise ValidationError(gettext("Couldn’t read this picture. Use PNG, JPEG, WebP or GIF.")) from error
    if made.startswith(b"{"):
        large = json.loads(made)
        raise ValidationError(
            gettext("Too large: a {format} can have up to {n} million pixels.").format(
                format=large["format"], n=large["most"] // 10**6
            )
        )
    return _keep(made)


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
        return _keep(b64decode(result["picture"]))


def _keep(square: bytes) -> str:
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(square).hexdigest()[:24] + ".webp"
    draft = settings.MEDIA_ROOT / f".{secrets.token_hex(8)}-{name}"  # the same picture may come twice at once
    draft.write_bytes(square)
    draft.replace(settings.MEDIA_ROOT / name)
    return name
