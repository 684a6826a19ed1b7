"""RPC for people's programs: what one says of itself at its URL, and the pictures that one names by their URLs."""

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.conf import settings

from web.accounts.models import User
from web.runs import files
from web.runs.errors import Refused
from workers.egress import EgressConfig, EgressError, FetchLimits, fetch

# The draft on such documents recommends 5 kB and no redirects (sections 6.6 and 4).
LIMITS: Final = FetchLimits(max_bytes=10_000, timeout_s=5.0, silence_s=3.0, max_redirects=0)


# A program waits for it (`web.api.content_files`).
PICTURE_S: Final = 20.0


def fetch_picture(user_id: int, url: str, egress: EgressConfig) -> dict[str, Any]:
    """The id of the picture at the URL under `file`, stored to be attached; or the reason why not in `refused`."""
    limits = FetchLimits(max_bytes=settings.MAX_ATTACHMENT_BYTES, timeout_s=PICTURE_S, content_types=("image/",))
    try:
        response = fetch(url, egress, headers={"Accept": "image/*"}, limits=limits)
        if response.status != 200:
            return {"refused": f"The URL returned status {response.status}."}
        name = unquote(urlsplit(response.url).path).rpartition("/")[2] or "picture"
        file = files.attach(User.objects.get(id=user_id), name.replace("\x00", ""), [response.content])
    except (EgressError, Refused) as error:
        return {"refused": str(error)}
    return {"file": str(file.id)}


def read_document(url: str, egress: EgressConfig) -> dict[str, Any]:
    """The text at the URL under `document`; or the reason why not in `refused`."""
    try:
        response = fetch(url, egress, headers={"Accept": "application/json"}, limits=LIMITS)
    except EgressError as error:
        return {"refused": str(error)}
    if response.status != 200:
        return {"refused": f"The URL returned status {response.status}."}
    return {"document": response.content.decode("utf-8", errors="replace")}
