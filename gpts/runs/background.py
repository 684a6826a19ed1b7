"""What a message comes with besides its text: what its GPT remembers of the person, and the project it belongs to."""

from typing import Final

from gpts.values import Value

# The tool with which a GPT adds to what it remembers.
REMEMBER: Final = "remember"
# In an element of its own, as files are: a small model takes loose lines before a greeting for the message.
REMEMBERED: Final = """<known_about_the_person>
{texts}
</known_about_the_person>
(From earlier chats; of two lines that differ, the later counts. Use it where it helps, and don't repeat it.)"""
PROJECT: Final = """<project name="{name}">
{wishes}
</project>
(What the person wants in all chats of this project.)"""


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
        project = PROJECT.format(name=self.project, wishes=self.wishes) if self.wishes else ""
        lines = "\n".join(f"- {text}" for text in self.remembered)
        return tuple(filter(None, (project, REMEMBERED.format(texts=lines) if lines else "")))
