"""`/v1/images`: pictures by the site's image model, made by the worker's tool that GPTs use."""

import json
from base64 import b64encode
from collections.abc import Mapping
from time import time
from typing import Any, ClassVar, Final, Literal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile as Upload
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Form, Router, Schema
from pydantic import BaseModel, ConfigDict, Field

from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.values import Text
from web import rpc
from web.accounts import quotas
from web.accounts.models import User
from web.api import site_models
from web.api.auth import caller
from web.api.choices import name_ignored
from web.api.errors import ApiError, OpenAiErrorBody
from web.builder.files import store_bytes
from web.builder.models_files import content_path
from web.runs import files, stream

router = Router()

FIELDS: Final[dict[str, Any]] = BUILTIN_TOOLS["make_image"].spec.parameters["properties"]
SIZES: Final[list[str]] = FIELDS["size"]["enum"]
# What the worker needs beside the time for drawing.
PATIENCE_S: Final = 10
SOURCES: Final = ("image/png", "image/jpeg", "image/webp")
NOT_SET_UP: Final = "Image generation isn’t set up on this site. Ask your admin."
IGNORED: Final = ("quality", "style", "moderation", "output_compression", "partial_images", "input_fidelity", "user")
DESCRIPTION: Final = (
    f"Sizes: {', '.join(SIZES)}. The pictures are PNG and count in your quota; one request makes all of them or none."
    " With `response_format` `url` they are kept for a day as attachments of yours: their addresses work with your"
    " key or session only, and their ids in messages. Without effect: "
    + ", ".join(f"`{name}`" for name in IGNORED)
    + "."
)
ERRORS: Final = dict.fromkeys((400, 401, 404, 413, 429, 503), OpenAiErrorBody)


class PictureRequest(BaseModel):
    """A request for pictures."""

    model_config = ConfigDict(extra="allow")
    # Parameters without which the pictures would be others, each with its neutral values.
    refused: ClassVar[Mapping[str, list[Any]]] = {
        "background": ["auto", "opaque"],
        "output_format": ["png"],
        "stream": [False, "false"],
    }

    prompt: Text = Field(min_length=1, max_length=FIELDS["prompt"]["maxLength"])
    model: Text | None = Field(None, description="The site's image model. Default: that.")
    n: int | None = Field(None, ge=1, le=FIELDS["n"]["maximum"], description="How many. Default: 1.")
    size: Text | None = Field(None, description=f"One of {', '.join(SIZES)}, or auto.")
    response_format: Literal["b64_json", "url"] | None = Field(None, description="Default: b64_json.")

    def arguments(self) -> dict[str, Any]:
        """The arguments of the tool. Raises ApiError."""
        for name, value in (self.model_extra or {}).items():
            if name in self.refused and value is not None and value not in self.refused[name]:
                raise ApiError(400, f"“{name}” is not supported; leave it out.", name, "unsupported_parameter")
        if self.size not in (None, "auto", *SIZES):
            raise ApiError(400, f"The sizes are {', '.join(SIZES)}.", "size", "invalid_value")
        if not self.prompt.strip():
            raise ApiError(400, "Say what to draw.", "prompt", "invalid_value")
        chosen = {} if self.size in (None, "auto") else {"size": self.size}
        return {"prompt": self.prompt, "n": self.n or 1, **chosen}

    def without_effect(self) -> list[str]:
        """The names of the parameters that were set and have no effect."""
        return sorted(name for name in IGNORED if (self.model_extra or {}).get(name))


class MadePicture(Schema):
    """A picture, or its address."""

    b64_json: str | None = None
    url: str | None = None


class PictureList(Schema):
    """The pictures."""

    created: int
    data: list[MadePicture]
    output_format: Literal["png"] = "png"


@router.post("/images/generations", response={200: PictureList, **ERRORS}, description=DESCRIPTION)
def create_image(request: HttpRequest, response: HttpResponse, body: PictureRequest) -> PictureList:
    """Pictures of the prompt."""
    name_ignored(response, body.without_effect())
    return _made(caller(request), body, "")


@router.post(
    "/images/edits",
    response={200: PictureList, **ERRORS},
    description="Pictures of the prompt that start from one of yours (multipart field `image`: PNG, JPEG or WebP),"
    " where the image model can. `mask` is refused. The rest is as for `/v1/images/generations`.",
    openapi_extra={
        "requestBody": {
            "content": {
                "multipart/form-data": {"schema": {"properties": {"image": {"type": "string", "format": "binary"}}}}
            }
        }
    },
)
def edit_image(request: HttpRequest, response: HttpResponse, form: Form[PictureRequest]) -> PictureList:
    """Pictures that start from another one."""
    # Only the declared fields of a form get into its model.
    body = PictureRequest(**{**request.POST.dict(), **form.model_dump(exclude_none=True)})
    name_ignored(response, body.without_effect())
    if request.FILES.get("mask"):
        raise ApiError(400, "Masks are not supported: describe the change.", "mask", "unsupported_parameter")
    given = [*request.FILES.getlist("image"), *request.FILES.getlist("image[]")]
    if len(given) != 1:
        raise ApiError(400, f"Send one picture as “image”, not {len(given)}.", "image", "invalid_value")
    _check_model(body)
    return _made(caller(request), body, _stored(given[0]))


def _check_model(body: PictureRequest) -> None:
    """Raise ApiError if there is no image model, or another was asked for."""
    model, missing = site_models.image_model(), stream.missing_capabilities().get("image_generation")
    if model is None or missing:
        raise ApiError(404, missing or NOT_SET_UP, "model", "model_not_found")
    site_models.check(body.model, model)


def _stored(picture: "Upload[Any]") -> str:
    """The SHA-256 of the picture, now in the file store. Raises ApiError."""
    try:
        sha256, _ = store_bytes(picture.chunks(), settings.MAX_ATTACHMENT_BYTES)
    except ValidationError as error:
        raise ApiError(400, error.messages[0], "image", "invalid_value") from error
    if files.mime_of(content_path(sha256)) not in SOURCES:
        raise ApiError(400, "“image” is no PNG, JPEG or WebP picture.", "image", "invalid_value")
    return sha256


def _made(user: User, body: PictureRequest, source: str) -> PictureList:
    """The pictures; `source` is the SHA-256 of a stored picture to start from. Raises ApiError, NoResult."""
    arguments = body.arguments()
    _check_model(body)
    queue = "tools" if settings.IMAGE_URL else "model"
    sent = (json.dumps(arguments), source, str(user.pk))
    with quotas.taken(user.pk, "pictures", arguments["n"]):
        timeout_s = settings.IMAGE_TIMEOUT_S + PATIENCE_S
        made = rpc.call_for(user.pk, "workers.tasks.draw_pictures", *sent, queue=queue, timeout_s=timeout_s)
        if "refused" in made:
            raise ApiError(made["status"], made["refused"], made["param"], made["code"])
    drawn = [content_path(sha256).read_bytes() for sha256 in made["pictures"]]
    if body.response_format != "url":
        data = [MadePicture(b64_json=b64encode(picture).decode()) for picture in drawn]
    else:
        data = [MadePicture(url=_address(user, picture)) for picture in drawn]
    return PictureList(created=int(time()), data=data)


def _address(user: User, picture: bytes) -> str:
    """The address of the picture, kept as an attachment of the person's, with an attachment's label."""
    file = files.attach(user, "picture.png", [picture])
    return f"{settings.SITE_URL}{reverse('api:read_attachment', args=[file.id])}"
