"""Programs whose id is the URL of a document that describes them (Client ID Metadata Documents).

A worker fetches it through the guarded client, and only for somebody who is signed in.
"""

import json
import logging
import posixpath
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from django.utils import timezone
from mcp.server.auth.provider import RegistrationError
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import ValidationError

from web import rpc
from web.accounts.models import Program, User
from web.mcp.oauth import keep

logger = logging.getLogger(__name__)

TASK: Final = "workers.tasks.read_program_document"
TIMEOUT_S: Final = 8.0
# How long a document is taken for unchanged.
FRESH_FOR: Final = timedelta(hours=1)
MAX_CHARS: Final = 255


def is_document(client_id: str) -> bool:
    """Whether the id is the URL of a document: https, with a plain path, as the draft demands (section 3)."""
    try:
        parts = urlsplit(client_id)
        path = parts.path
        plain = parts.hostname and len(path) > 1 and "%2e" not in path.lower() and posixpath.normpath(path) == path
        return bool(plain and parts.scheme == "https" and not parts.fragment and not parts.username
                    and not parts.query and len(client_id) <= MAX_CHARS)  # fmt: skip
    except ValueError:
        return False


def learn(user: User, url: str) -> None:
    """Store what the document says now; what it said before stays if it can't be read. Takes some seconds."""
    if Program.objects.filter(id=url, read__gt=timezone.now() - FRESH_FOR).exists():
        return
    try:
        found = rpc.call_for(user.pk, TASK, url, queue="tools", timeout_s=TIMEOUT_S)
        said = json.loads(found.get("document") or found["refused"])
        if not isinstance(said, dict) or said.get("client_id") != url:
            raise ValueError("its client_id is another")
        keep(OAuthClientInformationFull.model_validate({**said, "client_id": url}))
    except (rpc.NoResult, ValueError, KeyError, ValidationError, RegistrationError, RecursionError) as error:
        logger.info("the document of a program at %s can't be used: %r", url, error)
