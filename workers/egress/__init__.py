"""The guarded client for every request to an address that a model, a creator or a user chose.

It connects to the public internet and to what the operator allowed only, however the address is written and whatever
name servers and redirects return. Callers pass an EgressConfig and catch EgressError.
"""

from gpts.egress.config import EgressConfig
from gpts.egress.errors import EgressError, EgressFailed, EgressRefused, reason
from gpts.egress.guard import Guard
from workers.egress.config import FetchLimits, Response
from workers.egress.fetching import fetch
from workers.egress.transports import GuardedAsyncTransport, GuardedTransport

__all__ = [
    "EgressConfig",
    "EgressError",
    "EgressFailed",
    "EgressRefused",
    "FetchLimits",
    "Guard",
    "GuardedAsyncTransport",
    "GuardedTransport",
    "Response",
    "fetch",
    "reason",
]
