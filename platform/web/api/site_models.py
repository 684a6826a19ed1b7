"""The site's own models beside the GPTs: what embeds texts, checks them, draws, transcribes and speaks.

They are no chat models, so `GET /v1/models` does not list them; `GET /v1/models/{id}` describes each.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from web.api.errors import ApiError

EMBEDDERS: Final = {"bundled": "all-MiniLM-L6-v2", "multilingual": "multilingual-e5-small"}
# Of one text to embed, in tokens of the embedder.
MAX_INPUT_TOKENS: Final = 8_192
FILTER: Final = "guildhall-filter"


@dataclass(frozen=True, slots=True)
class SiteModel:
    """A model of the site. `context_tokens` is the longest input."""

    id: str
    description: str
    context_tokens: int | None = None


def embedder() -> SiteModel:
    """The model of `/v1/embeddings`, which also searches the files of GPTs."""
    name = EMBEDDERS.get(settings.EMBEDDER) or Path(settings.EMBEDDER).name
    return SiteModel(name, "Embeds texts; for POST /v1/embeddings.", MAX_INPUT_TOKENS)


def text_filter() -> SiteModel:
    """The model of `/v1/moderations`."""
    return SiteModel(FILTER, "Finds text that addresses a model, or is hidden; for POST /v1/moderations.")


def image_model() -> SiteModel | None:
    """The model of `/v1/images`; None if image generation isn't set up."""
    if not (settings.IMAGE_URL or settings.IMAGE_MODEL):
        return None
    return SiteModel(Path(settings.IMAGE_MODEL or "image-model").name, "Makes pictures; for POST /v1/images.")


def transcriber() -> SiteModel | None:
    """The model of `/v1/audio/transcriptions`; None if it isn't set up."""
    if not settings.VOICE_MODEL:
        return None
    name = "whisper-tiny.en" if settings.VOICE_MODEL == "bundled" else Path(settings.VOICE_MODEL).name
    return SiteModel(name, "Transcribes recordings; for POST /v1/audio/transcriptions.")


def speaker() -> SiteModel | None:
    """The model of `/v1/audio/speech`; None if it isn't set up."""
    return SiteModel("piper", "Reads aloud; for POST /v1/audio/speech.") if settings.VOICE_SPEAKER else None


def voice() -> str:
    """The voice that reads aloud."""
    return "en_US-joe-medium" if settings.VOICE_SPEAKER == "bundled" else Path(settings.VOICE_SPEAKER).stem


def find(name: str) -> SiteModel | None:
    """The site's model of this name."""
    known = filter(None, (embedder(), text_filter(), image_model(), transcriber(), speaker()))
    return next((model for model in known if model.id == name), None)


def check(given: str | None, model: SiteModel) -> None:
    """Refuse the name of another model, whose answers would be others. Raises ApiError."""
    if given not in (None, "", model.id):
        text = f"Model “{(given or '')[:80]}” not found. This site’s model here is “{model.id}”."
        raise ApiError(404, text, "model", "model_not_found")
