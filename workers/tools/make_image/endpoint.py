"""Drawing by an OpenAI-compatible images endpoint that the operator chose.

The endpoint itself may be private. The addresses that its answers name are not the operator's words: those on another
origin are fetched through the guarded client, and the key goes to the endpoint alone.
"""

import base64
import binascii
import logging
import socket
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from contextlib import suppress
from io import BytesIO
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
from PIL import Image
from pydantic_core import from_json

from workers.egress import EgressConfig, EgressError, FetchLimits, fetch
from workers.tools import ToolError
from workers.tools.make_image.drawing import Order, Watch
from workers.tools.make_image.pictures import UNREADABLE, read_picture
from workers.tools.settings import ImageSettings, ToolSettings

logger = logging.getLogger(__name__)

# A picture of 16 million pixels as PNG in base64, with room.
MAX_BYTES: Final = 48_000_000
LOOK_S: Final = 0.25
CONNECT_S: Final = 10.0
FETCH_S: Final = 60.0
TOLD_CHARS: Final = 200
# How endpoints name a prompt that they will not draw: OpenAI's codes, Azure's, and words of others.
REFUSALS: Final = ("content_policy", "moderation_blocked", "content policy", "content_filter", "safety", "sensitive")

DOWN: Final = "The image service cannot be reached right now; try again later."
FAILED: Final = "The image service failed; try again later."
BUSY: Final = "The image service is busy; try again in a minute."
BAD_KEY: Final = "The image service does not accept this site's key; whoever runs the site must set IMAGE_KEY."
REFUSED: Final = "The image service refused this prompt under its content rules; ask for something else."
NO_VARIATIONS: Final = "The image service cannot start from an earlier picture; describe the whole picture in words."
TOO_LARGE: Final = "The image service sent more than a picture can have; try again, or tell whoever runs this site."


def unavailable(config: ImageSettings) -> str:
    """Why the endpoint cannot be used; empty if nothing speaks against it. Asks it nothing."""
    parts = urlsplit(config.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "IMAGE_URL must be the base address of an images endpoint, as http://127.0.0.1:8080/v1."
    return ""


def draw(settings: ToolSettings, order: Order, watch: Watch) -> Generator[Image.Image]:
    """Yield the pictures of `order`, one request each. Raises ToolError or what the watch raises."""
    # The watch ends what takes too long; httpx's own limit is for a thread that nobody waits for any more.
    timeout = httpx.Timeout(watch.deadline_s + CONNECT_S, connect=CONNECT_S)
    with httpx.Client(trust_env=False, timeout=timeout) as client:
        line = _Line(client, watch)
        for number in range(order.n):
            watch.progress(f"Drawing picture {number + 1} of {order.n}" if order.n > 1 else "Drawing")
            answer = line.send(_request(client, settings.images, order))
            yield read_picture(_picture_of(answer, line, settings))


def _request(client: httpx.Client, config: ImageSettings, order: Order) -> httpx.Request:
    fields = {"prompt": order.prompt, "size": f"{order.width}x{order.height}"}
    if config.model:
        fields["model"] = config.model
    headers = {"Authorization": f"Bearer {config.key}"} if config.key else {}
    base = config.url.rstrip("/")
    if order.source is None:
        return client.build_request("POST", f"{base}/images/generations", json={**fields, "n": 1}, headers=headers)
    data = BytesIO()
    order.source.save(data, "PNG")
    files = {"image": ("picture.png", data.getvalue(), "image/png")}
    return client.build_request(
        "POST", f"{base}/images/edits", data={**fields, "n": "1"}, files=files, headers=headers
    )


class _Line:
    """The connection to the endpoint, cut as soon as the watch raises: that is how a server learns to stop."""

    def __init__(self, client: httpx.Client, watch: Watch) -> None:
        self.client, self.watch = client, watch
        self._stream: Any = None

    def send(self, request: httpx.Request) -> bytes:
        """The body of the answer to `request`. Raises ToolError or what the watch raises."""
        request.extensions["trace"] = self._note_connection
        pool = ThreadPoolExecutor(1, thread_name_prefix="image-endpoint")
        future = pool.submit(_send, self.client, request)
        try:
            while True:
                try:
                    return future.result(timeout=LOOK_S)
                except StillRunning:
                    self.watch.look()
        except httpx.HTTPError as error:
            logger.warning("the image endpoint gave nothing: %s", error)
            raise ToolError(DOWN) from error
        finally:
            if not future.done():
                self._cut()
            pool.shutdown(wait=False, cancel_futures=True)

    def _note_connection(self, event: str, told: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = told["return_value"]

    def _cut(self) -> None:
        """Wake the thread that waits for the endpoint; closing the client would not."""
        connection = self._stream and self._stream.get_extra_info("socket")
        if connection:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)


def _send(client: httpx.Client, request: httpx.Request) -> bytes:
    """The body of the answer. Raises ToolError for one that says no, httpx.HTTPError."""
    response = client.send(request, stream=True)
    try:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > MAX_BYTES:
                raise ToolError(TOO_LARGE)
    finally:
        response.close()
    if response.status_code != 200:
        raise ToolError(_reason(response.status_code, bytes(body), request.url.path))
    return bytes(body)


def _reason(status: int, body: bytes, path: str) -> str:
    """What an answer with this `status` means to the person, in one sentence."""
    told = _told(body)
    if status in (400, 403, 422) and any(word in told.lower() for word in REFUSALS):
        return REFUSED
    logger.warning("the image endpoint answered %s: %s", status, told)
    if status in (404, 405, 501) and path.endswith("/edits"):
        return NO_VARIATIONS
    if status in (401, 403):
        return BAD_KEY
    if status == 429:
        return BUSY
    if status >= 500:
        return FAILED
    return f"The image service did not take the request (status {status}); try another size or wording."


def _told(body: bytes) -> str:
    """The code and message of an error in OpenAI's shape, else the beginning of the body; for the log."""
    try:
        error = from_json(body)["error"]
        return f"{error.get('code')} {error.get('message')}"[: 2 * TOLD_CHARS]
    except (ValueError, TypeError, KeyError, AttributeError):
        return body[:TOLD_CHARS].decode(errors="replace")


def _picture_of(answer: bytes, line: _Line, settings: ToolSettings) -> bytes:
    """The bytes of the first picture in the answer. Raises ToolError."""
    try:
        first: dict[str, Any] = from_json(answer)["data"][0]
        if encoded := first.get("b64_json"):
            return base64.b64decode(encoded.partition("base64,")[2] or encoded, validate=True)
        address = urljoin(settings.images.url, str(first["url"]))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, binascii.Error) as error:
        raise ToolError(UNREADABLE) from error
    if _origin(address) == _origin(settings.images.url):
        return line.send(line.client.build_request("GET", address))
    return _fetch_elsewhere(address, settings.egress, line.watch)


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc.lower()


def _fetch_elsewhere(address: str, egress: EgressConfig, watch: Watch) -> bytes:
    limits = FetchLimits(MAX_BYTES, FETCH_S, content_types=("image/", "application/octet-stream", ""))
    try:
        answer = fetch(address, egress, limits=limits, check=watch.look)
    except EgressError as error:
        logger.warning("the picture at %s could not be fetched: %s", urlsplit(address).hostname, error)
        raise ToolError(f"The image service named an address that cannot be fetched: {error}") from error
    if answer.status != 200:
        raise ToolError(UNREADABLE)
    return answer.content
