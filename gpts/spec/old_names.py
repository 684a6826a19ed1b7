"""Field names of earlier releases. Stored versions and logs are read under them and never rewritten."""

from collections.abc import Mapping
from typing import Any, Final

# Fields of `GptSpec` and `UserMessage` in release 0.1.
SPEC_NAMES: Final = {"colleagues": "delegates", "asks_all": "delegates_to_all", "asks_store": "delegates_to_store"}
USER_MESSAGE_NAMES: Final = {"asked_by": "delegated_by", "asked": "guest_id"}


def with_new_names(data: Any, new_names: Mapping[str, str]) -> Any:
    """`data` with the keys in `new_names` renamed; unchanged if it is not a dict."""
    if not isinstance(data, dict) or data.keys().isdisjoint(new_names):
        return data
    return {new_names.get(key, key): value for key, value in data.items()}
