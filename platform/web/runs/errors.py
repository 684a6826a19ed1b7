"""What can go wrong with a run, typed by who must act."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils.translation import gettext

from web.accounts.quotas import QuotaExceeded


class LeaseLost(Exception):
    """Another worker holds this run now; stop working on it."""


class RunOver(Exception):
    """The run has ended; nothing more can be appended."""


class Refused(Exception):
    """This isn’t possible right now."""

    # For people and programs: the docstring of each class is its default message, `status` its HTTP status.
    status = 400

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or gettext(self.__doc__ or ""))


class EmptyMessage(Refused):
    """Enter a message."""


class MessageTooLong(Refused):
    """The message is too long."""

    status = 413

    def __init__(self) -> None:
        text = gettext("Too long: a message can have up to {limit} characters.")
        super().__init__(text.format(limit=settings.MAX_MESSAGE_CHARS))


class InvalidInputs(Refused):
    """The inputs of this GPT are missing or don’t fit."""

    status = 422


class StillAnswering(Refused):
    """This chat is still answering. Wait for the answer or stop it, then send again."""

    status = 409


class StillReading(Refused):
    """An attached file is still being read. Send again in a moment."""

    status = 409


class TooManyFiles(Refused):
    """You have too many files that you haven’t sent. Send or remove some, or try again tomorrow."""

    status = 429


class TooManyStreams(Refused):
    """You have too many answers open at once. Close some, then try again."""

    status = 429


class TooManyQuestions(Refused):
    """You’ve sent as many questions as this GPT’s creator takes in a day. Try again tomorrow."""

    status = 429


class OverQuota(Refused):
    """You’ve reached a limit of your account."""

    status = 429

    def __init__(self, quota: QuotaExceeded) -> None:
        super().__init__(quota.messages[0])
        self.quota = quota


@contextmanager
def over_quota() -> Iterator[None]:
    """Raises QuotaExceeded as OverQuota, a Refused."""
    try:
        yield
    except QuotaExceeded as error:
        raise OverQuota(error) from error


class NotPublished(Refused):
    """This GPT is not published yet. Publish it, or try it in the preview."""

    status = 409


class GuestGone(Refused):
    """This GPT is no longer available. Send again to ask the chat’s own GPT."""

    status = 409


class NotShown(Refused):
    """Couldn’t show this page. Try again in a moment."""

    status = 503
