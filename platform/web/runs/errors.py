"""What can go wrong with a run, typed by who must act."""

from django.conf import settings


class LeaseLost(Exception):
    """Another worker holds this run now; stop working on it."""


class RunOver(Exception):
    """The run has ended; nothing more can be appended."""


class Refused(Exception):
    """A person or program asked for something that cannot be done now; the message says what to do."""

    status = 400
    message = "This isn’t possible right now."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)


class EmptyMessage(Refused):
    """Nothing was written."""

    message = "Enter a message."


class MessageTooLong(Refused):
    """The message is over the limit."""

    status = 413

    def __init__(self) -> None:
        super().__init__(f"Too long: a message can have up to {settings.MAX_MESSAGE_CHARS:,} characters.")


class StillAnswering(Refused):
    """The conversation has a run in progress."""

    status = 409
    message = "This chat is still answering. Wait for the answer or stop it, then send again."


class TooManyRuns(Refused):
    """The person has as many runs in progress as they may."""

    status = 429
    message = "You have too many answers in progress. Wait for one to finish, then send again."


class NotPublished(Refused):
    """The GPT has no published version and the caller did not ask for a preview."""

    status = 409
    message = "This GPT is not published yet. Publish it, or try it in the preview."


class GuestGone(Refused):
    """The GPT that was to answer until dismissed can no longer do so; it is dismissed now."""

    status = 409
    message = "This GPT is no longer available. Send again to ask the chat’s own GPT."


class NotShown(Refused):
    """A page of a file cannot be shown as a picture now."""

    status = 503
    message = "Couldn’t show this page. Try again in a moment."
