"""RPC for the models page: which models a server has."""

import json
from typing import Any, Final

from gpts.egress.config import only_server
from web.operate.models_connected import open_key
from web.secrets import SecretLost
from workers.egress import EgressFailed, EgressRefused, FetchLimits, fetch
from workers.engine.remote import api_of

LIMITS: Final = FetchLimits(max_bytes=1_000_000, timeout_s=10.0, max_redirects=0)
MAX_MODELS: Final = 500
MAX_NAME_CHARS: Final = 200


def list_models(url: str, sealed: str) -> dict[str, Any]:
    """The names of the server's `models`; or in `refused` why not: address, silent, key or answer."""
    try:
        key = open_key(sealed, url)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        response = fetch(f"{api_of(url)}models", only_server(url), headers=headers, limits=LIMITS)
    except EgressRefused:
        return {"refused": "address"}
    except EgressFailed:
        return {"refused": "silent"}
    except SecretLost:
        return {"refused": "key"}
    if response.status != 200:
        return {"refused": "key" if response.status in (401, 403) else "answer"}
    try:
        names = [card["id"] for card in json.loads(response.content)["data"]]
        kept = dict.fromkeys(name for name in names if name.isprintable() and 0 < len(name) <= MAX_NAME_CHARS)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"refused": "answer"}
    return {"models": sorted(kept)[:MAX_MODELS]}
