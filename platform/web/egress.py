"""What the operator's lists say of an address that somebody else chose, before anything is sent there."""

from django.conf import settings

from gpts.egress.config import EgressConfig
from gpts.egress.errors import EgressRefused
from gpts.egress.guard import Guard
from web.worker_texts import said


def why_refused(url: str) -> str:
    """Why this site sends nothing to `url`, as far as its scheme, host and port show; empty if it does."""
    try:
        Guard(EgressConfig(allow=settings.EGRESS_ALLOW, deny=settings.EGRESS_DENY)).target(url)
    except EgressRefused as refused:
        return said(str(refused))
    return ""
