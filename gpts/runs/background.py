"""What a message comes with besides its text: what its GPT remembers of the person."""

from typing import Final

from gpts.values import Value

# The tool with which a GPT adds to what it remembers.
REMEMBER: Final = "remember"
REMEMBERED: Final = (
    "Remembered from earlier chats with this person, oldest first (of two that differ, the later counts):"
)


class Background(Value):
    """What is known before a message is read; the person wrote or approved all of it.

    `remembered` are sentences about them, oldest first. `may_remember`: this chat may add to them.
    """

    remembered: tuple[str, ...] = ()
    may_remember: bool = False

    def texts(self) -> tuple[str, ...]:
        """What of it the model reads, before the message."""
        return ("\n".join([REMEMBERED, *(f"- {text}" for text in self.remembered)]),) if self.remembered else ()
