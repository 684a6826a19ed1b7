"""No function that reads a stranger's text takes more than a second for 100 kB of any shape.

Functions of `gpts` that need one text and nothing else are found by themselves. Others have a line below.
"""

import importlib
import inspect
import io
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from typing import Any

import pytest

from gpts.knowledge import citations, held, highlight, opposites, sentences, tables
from gpts.knowledge.documents import Block, Document, Passage
from gpts.portable import json_stream
from gpts.runs import bare_calls, intent, side_tasks
from gpts.safety import addressing, hidden_characters, scrubbing, urls, wording
from tests.hostile.limits import is_quick
from tests.hostile.patterns import REPOSITORY
from tests.hostile.shapes import SHAPES, text_of
from web.builder import changes
from web.chat import links as web_links
from web.chat import rendering
from workers.smallmodel.routing import dialogue, words
from workers.tools.web import reading

# Linear, but some 10 to 20 µs per character, once per answer: the readers below give them less.
NOT_READ = {"gpts.knowledge.held:held_in", "gpts.knowledge.opposites:clauses", "gpts.knowledge.opposites:_clause"}
HELD_CHARS = 40_000


def _functions() -> dict[str, Callable[[str], Any]]:
    """The functions of `gpts` that need a text and nothing else."""
    found = {}
    for path in sorted((REPOSITORY / "gpts").rglob("*.py")):
        name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        for key, value in vars(importlib.import_module(name)).items():
            made_here = getattr(value, "__module__", "") == name and not inspect.isclass(value)
            if made_here and callable(value) and _needs_one_text(value):
                found[f"{name}:{key}"] = value
    return found


def _needs_one_text(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    needed = [
        each.annotation for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    ]
    return needed in ([str], ["str"])


def _of(name: str) -> Callable[[str], Any]:
    """A function outside of `gpts`, by "module:function"."""
    module, _, key = name.partition(":")
    return getattr(importlib.import_module(module), key)


# Parsers of files: what they are given is UTF-8.
PARSERS = ("delimited", "eml", "html.document", "markdown", "rtf.document", "source", "structured", "text")
ON_BYTES = (
    "knowledge.decoding:decode",
    "knowledge.sniffing:sniff",
    *(f"knowledge.parsers.{each}:parse" for each in PARSERS),
)
ON_TEXT = (
    *("workers.egress.config:media_type", "workers.connectors.web:name_of"),
    *("workers.knowledge.parsers.outline:flat", "workers.knowledge.parsers.records:without_data"),
    *(
        "workers.knowledge.text_types:text_type",
        "workers.knowledge.text_types:delimiter",
        "workers.knowledge.lexical:key",
    ),
    *("workers.runs.reply:_plain", "workers.sandbox.display:fenced"),
    *("workers.smallmodel.arguments.arithmetic:code_for", "workers.smallmodel.arguments.images:prompt_from"),
    *("workers.smallmodel.arguments.totals:totals_code", "workers.smallmodel.arguments.web:url_in"),
    "workers.smallmodel.conversation.classifier:request_in",
    *("workers.smallmodel.conversation.intents:subject", "workers.smallmodel.conversation.intents:topic"),
    *("workers.smallmodel.conversation.outlines:is_listing", "workers.smallmodel.conversation.wording:plain_words"),
    *(f"gpts.spec.answers:{name}" for name in ("answer_in", "name_in", "starter_in")),
    *("workers.smallmodel.parts:parts_of", "workers.smallmodel.routing.cues:acts"),
    *("workers.smallmodel.routing.dialogue:without_edited_text", "workers.smallmodel.routing.dialogue:last_sentence"),
    *(
        "workers.smallmodel.routing.slots:shapes_in",
        "workers.tools:escaped",
        "workers.tools.actions.answers:html_text",
    ),
    *("workers.typesetting.tree:nodes_of", "workers.typesetting.tree:breakable", "workers.typesetting.pdf:_said"),
    *("web.accounts.sessions:browser_name", "web.builder.files:clean_name", "web.builder.search:query_terms"),
    *("web.builder.templatetags.passages:unveiled", "web.builder.templatetags.passages:compact"),
    *("web.chat.links:data_sent", "web.chat.templatetags.chat:highlighted"),
    *(
        "web.docs.search:search_docs",
        "web.languages:cleaned",
        "web.runs.imported_chats:clean",
        "web.schedules.when:simple_choice",
    ),
)


# The longest answers and chunks, about.
ANSWER_CHARS = 20_000
PASSAGE_CHARS = 2_000


def _document(text: str) -> Document:
    return Document(title=text, blocks=(Block(text=text),))


def _passage(text: str) -> Passage:
    return Passage(file_id="f", file_name="f.md", segment="s", chunk=0, text=text, start=0, end=len(text))


def _encoded(read: Callable[[bytes], Any], text: str) -> Any:
    return read(text.encode())


OTHERS: dict[str, Callable[[str], Any]] = {
    **{name: _of(name) for name in ON_TEXT},
    **{name: partial(_encoded, _of(f"workers.{name}")) for name in ON_BYTES},
    # In proportion, in the process that reads files: 1.3 s for 100 kB of brackets.
    "knowledge.parsers.markdown:parse": lambda text: _of("workers.knowledge.parsers.markdown:parse")(
        text[:20_000].encode()
    ),
    "bare_calls": lambda text: bare_calls.bare_calls(text, {"calculate"}),
    "chats": lambda text: list(json_stream.items_of(io.StringIO(text))),
    "differences": lambda text: changes.text_change("", text, text[: len(text) // 2] + "." + text[len(text) // 2 :]),
    "files that address the model": lambda text: list(addressing.addressing_findings(_document(text))),
    "files with hidden characters": lambda text: hidden_characters.without_strays(_document(text)),
    "grounding": lambda text: citations.ground(text[:ANSWER_CHARS], [_passage(text[:PASSAGE_CHARS])]),
    "clauses": lambda text: opposites.clauses(text[:HELD_CHARS]),
    "held": lambda text: held.held_in(text[:HELD_CHARS]),
    "intent": lambda text: intent.read_intent(f"FILES: {text}", text, []),
    "known URL": lambda text: urls.is_known(f"https://a.org/{text}", frozenset()),
    "links": lambda text: web_links.explained(
        f'<p><a href="{escape(text)}">{escape(text)}</a></p>', lambda url: True
    ),
    "page": lambda text: reading.read_here(f"<p>{text}".encode(), "https://example.org/"),
    "own words": lambda text: wording.unsaid({"a": text[:1_000]}, {}, [text]),
    "scrubbing": lambda text: scrubbing.scrub(text, ["sk-live a a a b", "1,1 1.1", text[:50]]),
    "side task": lambda text: side_tasks.is_side_task(text, [text, text]),
    "answers as HTML": lambda text: rendering.render_answer(text[:ANSWER_CHARS]),
    "messages in English words": lambda text: words.gloss(dialogue.clip(text)),
    "tables": lambda text: tables.headers(text, sentences.sentence_spans(text)),
    "quote": lambda text: highlight.quoted_words(text[:500], text.split()),
}
READERS = {name: read for name, read in _functions().items() if name not in NOT_READ} | OTHERS


@pytest.mark.parametrize("name", READERS)
def test_no_function_is_slow(name: str) -> None:
    read = READERS[name]
    _all_of(read, "What is read once, such as data and pages, is read now.")
    slow = [shape for shape in SHAPES if not is_quick(partial(_all_of, read), partial(text_of, shape))]
    assert not slow


def _all_of(read: Callable[[str], Any], text: str) -> None:
    """Reads the text to the end; that it is refused is no fault."""
    try:
        result = read(text)
        if isinstance(result, Iterator):
            for _ in result:
                pass
    except Exception:  # noqa: BLE001 - only the time counts
        pass
