"""RPC for people who connect a program: what the program says of itself at a URL of its own."""

from typing import Any, Final

from workers.egress import EgressConfig, EgressError, FetchLimits, fetch

# The draft on such documents recommends 5 kB and no redirects (sections 6.6 and 4).
LIMITS: Final = FetchLimits(max_bytes=10_000, timeout_s=5.0, silence_s=3.0, max_redirects=0)


def read_document(url: str, egress: EgressConfig) -> dict[str, Any]:
    """The text at the URL under `document`; or the reason why not in `refused`."""
    try:
        response = fetch(url, egress, headers={"Accept": "application/json"}, limits=LIMITS)
    except EgressError as error:
        return {"refused": str(error)}
    if response.status != 200:
        return {"refused": f"The URL returned status {response.status}."}
    return {"document": response.content.decode("utf-8", errors="replace")}
