"""Field names of earlier releases: what is stored in versions and logs is read under them, and never rewritten."""

from collections.abc import Mapping
from typing import Any


def with_new_names(data: Any, new_names: Mapping[str, str]) -> Any:
    """`data` with the keys of `new_names` replaced by their present names; as it is if it is no dict."""
    if not isinstance(data, dict) or data.keys().isdisjoint(new_names):
        return data
    return {new_names.get(key, key): value for key, value in data.items()}
