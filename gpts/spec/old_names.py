"""Field names of earlier releases: what is stored in versions and logs is read under them, and never rewritten."""

from collections.abc import Mapping
from typing import Any, Final

# Of `GptSpec` and `UserMessage` in release 0.1.
SPEC_NAMES: Final = {"colleagues": "delegates", "asks_all": "delegates_to_all", "asks_store": "delegates_to_store"}
USER_MESSAGE_NAMES: Final = {"asked_by": "delegated_by", "asked": "guest_id"}


def with_new_names(data: Any, new_names: Mapping[str, str]) -> Any:
    """`data` with the keys of `new_names` replaced by their present names; as it is if it is no dict."""
    if not isinstance(data, dict) or data.keys().isdisjoint(new_names):
        return data
    return {new_names.get(key, key): value for key, value in data.items()}
