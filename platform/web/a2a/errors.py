"""Errors of the A2A API, as those of the protocol."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from a2a.utils.errors import A2AError, InternalError, InvalidRequestError, TaskNotCancelableError, TaskNotFoundError
from django.http import Http404

from web.runs.errors import Refused, RunOver

logger = logging.getLogger(__name__)


@contextmanager
def spoken() -> Iterator[None]:
    """Errors of the site as those of the protocol. An unexpected one is logged and its text not sent."""
    try:
        yield
    except A2AError:
        raise
    except Http404 as error:
        raise TaskNotFoundError(str(error) or None) from error
    except RunOver as error:
        raise TaskNotCancelableError("This task has already ended.") from error
    except Refused as error:
        raise InvalidRequestError(str(error), data={"status": str(error.status)}) from error
    except Exception as error:
        logger.exception("an A2A request failed")
        raise InternalError("Something went wrong. The error was logged; try again later.") from error
