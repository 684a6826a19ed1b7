"""Why a request was not made or gave nothing: each message is one sentence for people and models alike."""


class EgressError(Exception):
    """The address could not be used."""


class EgressRefused(EgressError):
    """The guard forbids the request, whatever the other side would answer."""


class EgressFailed(EgressError):
    """The request was allowed, but gave no answer that can be used; it may work later."""


def reason(error: BaseException) -> str:
    """The guard's own sentence, where it was the guard; else what the error says, or that nothing was reached."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, EgressError):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return str(error) or "Couldn't connect to the server."
