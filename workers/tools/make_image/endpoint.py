"""Draws with an OpenAI-compatible images endpoint that the operator chose.

The endpoint itself may be private. Addresses in its answers are not trusted: those on another origin are fetched
through the guarded client, and the key is sent to the endpoint only.
"""

import base64
import binascii
import logging
from collections.abc import Generator
from functools import partial
from io import BytesIO
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
from PIL import Image
from pydantic_core import from_json

from workers.egress import EgressConfig, EgressError, FetchLimits, fetch
from workers.tools import ToolError
from workers.tools.make_image.pictures import UNREADABLE, DrawingControl, Order, read_picture
from workers.tools.settings import ImageSettings, ToolSettings
from workers.tools.watching import BrokenOff, watched

logger = logging.getLogger(__name__)

# A picture of 16 million pixels as PNG in base64, with room.
MAX_BYTES: Final = 48_000_000
CONNECT_S: Final = 10.0
FETCH_S: Final = 60.0
LOGGED_CHARS: Final = 200
# How endpoints name a prompt that they will not draw: OpenAI's codes, Azure's, and others' wording.
REFUSALS: Final = ("content_policy", "moderation_blocked", "content policy", "content_filter", "safety", "sensitive")

DOWN: Final = "Couldn't connect to the image service. Try again later."
FAILED: Final = "The image service failed. Try again later."
BUSY: Final = "The image service is busy. Try again in a minute."
BAD_KEY: Final = "The image service rejected this site's key. Tell your admin."
REFUSED: Final = "The image service refused this prompt under its content rules. Ask for something else."
NO_VARIATIONS: Final = "The image service can't start from an earlier picture. Describe the whole picture instead."
TOO_LARGE: Final = "The image service's response is too large. Try again, or tell your admin."


def draw(settings: ToolSettings, order: Order, control: DrawingControl) -> Generator[Image.Image]:
    """Yield the pictures of `order`, one request each. Raises ToolError, or what `control.check_time` raises."""
    for number in range(order.n):
        control.progress(f"Drawing picture {number + 1} of {order.n}" if order.n > 1 else "Drawing")
        answer = _send(_request(settings.images, order), control)
        yield read_picture(_picture_of(answer, control, settings))


def _request(config: ImageSettings, order: Order) -> httpx.Request:
    fields = {"prompt": order.prompt, "size": f"{order.width}x{order.height}"}
    if config.model:
        fields["model"] = config.model
    headers = {"Authorization": f"Bearer {config.key}"} if config.key else {}
    base = config.url.rstrip("/")
    if order.source is None:
        return httpx.Request("POST", f"{base}/images/generations", json={**fields, "n": 1}, headers=headers)
    data = BytesIO()
    order.source.save(data, "PNG")
    files = {"image": ("picture.png", data.getvalue(), "image/png")}
    return httpx.Request("POST", f"{base}/images/edits", data={**fields, "n": "1"}, files=files, headers=headers)


def _send(request: httpx.Request, control: DrawingControl) -> bytes:
    """The body of the response. Raises ToolError, or what `control.check_time` raises.

    The connection is closed when the control raises, which is how the server learns to stop.
    """
    try:
        return watched(partial(_body_of, request), control.deadline_s + CONNECT_S, control.check_time)
    except BrokenOff as broken:
        error = broken.causes[0]
        if isinstance(error, httpx.HTTPError):
            logger.warning("the image endpoint could not be reached: %s", error)
            raise ToolError(DOWN) from error
        raise error from None


async def _body_of(request: httpx.Request) -> bytes:
    """The body of the response. Raises httpx.HTTPError, and ToolError for a status other than 200."""
    async with httpx.AsyncClient(trust_env=False) as client:
        request.extensions["timeout"] = httpx.Timeout(None, connect=CONNECT_S).as_dict()
        response = await client.send(request, stream=True)
        body = bytearray()
        try:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise ToolError(TOO_LARGE)
        finally:
            await response.aclose()
    if response.status_code != 200:
        raise ToolError(_reason(response.status_code, bytes(body), request.url.path))
    return bytes(body)


def _reason(status: int, body: bytes, path: str) -> str:
    """What this `status` means to the person."""
    details = _error_text(body)
    if status in (400, 403, 422) and any(word in details.lower() for word in REFUSALS):
        return REFUSED
    logger.warning("the image endpoint returned status %s: %s", status, details)
    if status in (404, 405, 501) and path.endswith("/edits"):
        return NO_VARIATIONS
    if status in (401, 403):
        return BAD_KEY
    if status == 429:
        return BUSY
    if status >= 500:
        return FAILED
    return f"The image service rejected the request (status {status}). Try another size or wording."


def _error_text(body: bytes) -> str:
    """The code and message of an OpenAI-style error, or the start of the body; for the log."""
    try:
        error = from_json(body)["error"]
        return f"{error.get('code')} {error.get('message')}"[: 2 * LOGGED_CHARS]
    except (ValueError, TypeError, KeyError, AttributeError):
        return body[:LOGGED_CHARS].decode(errors="replace")


def _picture_of(answer: bytes, control: DrawingControl, settings: ToolSettings) -> bytes:
    """The bytes of the first picture in the answer. Raises ToolError."""
    try:
        first: dict[str, Any] = from_json(answer)["data"][0]
        if encoded := first.get("b64_json"):
            return base64.b64decode(encoded.partition("base64,")[2] or encoded, validate=True)
        address = urljoin(settings.images.url, str(first["url"]))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, binascii.Error) as error:
        raise ToolError(UNREADABLE) from error
    if _origin(address) == _origin(settings.images.url):
        return _send(httpx.Request("GET", address), control)
    return _fetch_elsewhere(address, settings.egress, control)


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc.lower()


def _fetch_elsewhere(address: str, egress: EgressConfig, control: DrawingControl) -> bytes:
    limits = FetchLimits(MAX_BYTES, FETCH_S, content_types=("image/", "application/octet-stream", ""))
    try:
        answer = fetch(address, egress, limits=limits, check=control.check_time)
    except EgressError as error:
        logger.warning("the picture at %s could not be fetched: %s", urlsplit(address).hostname, error)
        raise ToolError(f"Couldn't fetch the picture that the image service linked to: {error}") from error
    if answer.status != 200:
        raise ToolError(UNREADABLE)
    return answer.content
