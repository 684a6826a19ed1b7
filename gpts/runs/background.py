"""What a message comes with besides its text: what its GPT remembers of the person, and the project it belongs to."""

from typing import Final

from gpts.values import Value

# The tool with which a GPT adds to what it remembers.
REMEMBER: Final = "remember"
REMEMBERED: Final = (
    "Remembered from earlier chats with this person, oldest first (of two that differ, the later counts):"
)
PROJECT: Final = "This chat belongs to the person's project “{name}”."
WISHES: Final = "What they want in all its chats:"


class Background(Value):
    """What is known before a message is read; the person wrote or approved all of it.

    `project` is the name of the project that the chat is in, `wishes` what they want in it; empty without one.
    `remembered` are sentences about them, oldest first. `may_remember`: this chat may add to them.
    """

    project: str = ""
    wishes: str = ""
    remembered: tuple[str, ...] = ()
    may_remember: bool = False

    def texts(self) -> tuple[str, ...]:
        """What of it the model reads, before the message."""
        project = PROJECT.format(name=self.project) if self.project else ""
        wishes = f"{WISHES}\n{self.wishes}" if self.wishes else ""
        remembered = "\n".join([REMEMBERED, *(f"- {text}" for text in self.remembered)]) if self.remembered else ""
        return tuple(filter(None, (" ".join(filter(None, (project, wishes))), remembered)))
