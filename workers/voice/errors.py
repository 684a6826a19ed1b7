"""Why audio was not transcribed or made; the message is for the person."""

from typing import Final

NOT_READY: Final = "Speech isn’t working on this site right now. Ask your admin."
TOO_LATE: Final = "This took too long. Try again in a moment, or with less at once."


class VoiceError(Exception):
    """The request can't be done: `param` names its wrong field, `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400, param: str = "", code: str = "invalid_value") -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param or None, code


class NotReady(VoiceError):
    """A program or model of the site is missing or broken."""

    def __init__(self) -> None:
        super().__init__(NOT_READY, 503, code="speech_failed")


class TooLate(VoiceError):
    """The time was over."""

    def __init__(self) -> None:
        super().__init__(TOO_LATE, 503, code="timeout")
