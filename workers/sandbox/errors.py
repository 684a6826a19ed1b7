"""What can go wrong with a call; each message is for the caller and says what to do."""


class SandboxError(Exception):
    """The code could not be run."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class Unavailable(SandboxError):
    """Code cannot run here: the sandbox is off."""


class Busy(SandboxError):
    """All sandboxes are in use; try again in a minute."""


class TooManyOfOwn(SandboxError):
    """You’ve reached your limit of code interpreter sessions; wait until one of your other chats has finished."""


class TooManyFiles(SandboxError):
    """The sandbox cannot take this many or this large files; attach fewer or smaller ones."""


class CodeTooLong(SandboxError):
    """The code is too long; run it in smaller pieces."""


BY_NAME = {each.__name__: each for each in (SandboxError, Unavailable, Busy, TooManyOfOwn, TooManyFiles, CodeTooLong)}
