"""Why a request was not made or gave nothing: each message is one sentence for people and models alike."""


class EgressError(Exception):
    """The address could not be used."""


class EgressRefused(EgressError):
    """The guard forbids the request, whatever the other side would answer."""


class EgressFailed(EgressError):
    """The request was allowed, but gave no answer that can be used; it may work later."""
