"""What can go wrong with a run, typed by who must act."""

from django.conf import settings


class LeaseLost(Exception):
    """Another worker holds this run now; stop working on it."""


class RunOver(Exception):
    """The run has ended; nothing more can be appended."""


class Refused(Exception):
    """A person or program asked for something that cannot be done now; the message says what to do."""

    status = 400
    message = "This cannot be done now."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)


class EmptyMessage(Refused):
    """Nothing was written."""

    message = "Write a message first."


class MessageTooLong(Refused):
    """The message is over the limit."""

    status = 413

    def __init__(self) -> None:
        super().__init__(f"The message is longer than {settings.MAX_MESSAGE_CHARS:,} characters; shorten it.")


class StillAnswering(Refused):
    """The conversation has a run in progress."""

    status = 409
    message = "This chat is still answering. Wait for the answer or stop it, then send again."


class TooManyRuns(Refused):
    """The person has as many runs in progress as they may."""

    status = 429
    message = "You have many answers under way already. Wait for one to end, then send again."


class NotPublished(Refused):
    """The GPT has no published version and the caller did not ask for a preview."""

    status = 409
    message = "This GPT is not published yet. Publish it, or try it in the preview."


class GuestGone(Refused):
    """The GPT that was to answer until dismissed can no longer do so; it is dismissed now."""

    status = 409
    message = "The GPT that answered here is gone. Send again, and the chat's own answers."


class NotShown(Refused):
    """A page of a file cannot be shown as a picture now."""

    status = 503
    message = "This page cannot be shown right now. Try again in a moment."
