"""Why a request was refused or failed: each message is one sentence for people and models."""


class EgressError(Exception):
    """The address could not be used."""


class EgressRefused(EgressError):
    """The guard forbids the request, whatever the response would be."""


class EgressFailed(EgressError):
    """The request was allowed but gave no usable response; it may work later."""


def reason(error: BaseException) -> str:
    """The guard's message if it raised; else the error's text, or that the connection failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, EgressError):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return str(error) or "Couldn't connect to the server."
