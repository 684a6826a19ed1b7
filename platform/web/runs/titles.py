"""The title of a chat: its first message that does more than greet, in plain words."""

import re
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from web.runs.models import Conversation, StepRow

TITLE_CHARS: Final = 60
# Characters of a message that are read for a title.
_READ_CHARS: Final = 2_000
# A title of fewer words, as of a greeting, gives way to that of a later message.
_TELLING_WORDS: Final = 3
# A greeting has fewer words than this, and is one of the first so many messages.
_GREETING_WORDS: Final = 8
_GREETINGS: Final = 3
# The marks of a formula in a line; a price has none that closes it (see chat/formulas.py).
_FORMULA: Final = re.compile(
    r"(?<![\w$])\$\$?(?![\s$])([^$]+)(?<!\s)\$\$?(?![\w$])|\\[(\[]((?:[^\\]|\\(?![()\[\]]))+)\\[)\]]"
)


def next_title(conversation: Conversation, title: str) -> str:
    """Its title with a new message of this `title`: that of the first message that did not only greet."""
    given = conversation.title
    return title if not given or (len(title.split()) >= _TELLING_WORDS and _only_greets(conversation)) else given


def shorten(text: str) -> str:
    """`text` as a title on one line, cut at a word, without marks of Markdown; its code only if there is no more."""
    line = " ".join(_plain(text[:_READ_CHARS]).split())
    return line if len(line) <= TITLE_CHARS else line[:TITLE_CHARS].rsplit(" ", 1)[0] + "…"


def _only_greets(conversation: Conversation) -> bool:
    """Whether its title is a message of few words, or one that was read as small talk. A person's own name stays."""
    n_words = len(conversation.title.split())
    first = conversation.messages.all()[:_GREETINGS] if n_words < _GREETING_WORDS else ()
    named_by = next((message for message in first if shorten(message.text) == conversation.title), None)
    if named_by is None or n_words < _TELLING_WORDS:
        return named_by is not None
    read = StepRow.objects.filter(run__message=named_by, kind="message_intent")
    return "small_talk" in [data["intent"] for data in read.values_list("data", flat=True)]


def _plain(text: str) -> str:
    tokens = _parser().parse(_FORMULA.sub(lambda found: f"`` {found[1] or found[2]} ``", text))
    words = ("".join(map(_said, token.children)) for token in tokens if token.children)
    code = (token.content for token in tokens if token.type == "fence")
    return "\n".join(words).strip() or "\n".join(code).strip() or text


def _said(token: Token) -> str:
    """What a token adds to a title; underscores stay, as they are of names more often than for emphasis."""
    if token.type.endswith("break"):
        return " "
    return token.content or (token.markup if token.markup.startswith("_") else "")


@cache
def _parser() -> MarkdownIt:
    """Lists are not read: a message may begin with a number or a dash, and loses nothing."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 30}).enable("strikethrough")
    return parser.disable(["list", "reference", "code", "lheading", "entity"])
