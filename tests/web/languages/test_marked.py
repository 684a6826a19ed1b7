"""Everything that pages say is marked for translation: texts of templates, and sentences in scripts."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

WEB = settings.REPOSITORY / "platform/web"
# In English: the documentation, and the console of operators, whose frame Django and Unfold translate.
IN_ENGLISH = re.compile(r"(docs|api|admin|unfold)/|operate/(?!categories|models?\.|notice|offer|parts/)")
# Attributes of elements, which say nothing.
ATTRIBUTES = {"chat/form_attributes.html", "chat/frame_urls.html"}
SAME = {"Guildhall", "X-Api-Key", "customer"}  # a name, and examples of what to type
TAGS = re.compile(
    r"(?s)\{#.*?#\}|\{% comment.*?endcomment %\}|\{% block (?:body_class|language) %\}.*?\{% endblock %\}"
    r"|\{% blocktrans.*?\{% endblocktrans\w* %\}|\{%.*?%\}|\{\{.*?\}\}"
)
SILENT = re.compile(r"(?s)<(script|style|pre|code|svg|kbd)\b[^>]*>.*?</\1>|<!--.*?-->|<!doctype[^>]*>")
SAID = re.compile(r'\s(?:aria-label|title|placeholder|alt|data-label)="([^"]*)"')
NO_TEXT = re.compile(r"https?://\S+|&#?\w+;")
WORD = re.compile(r"[A-Za-z]{2,}")

STRING = r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`'
MARKED = re.compile(rf"(?<![\w.])tn?\(\s*(?:{STRING})(?:\s*,\s*(?:{STRING}))?")
COMMENT = re.compile(r"(?m)^\s*(?://|/?\*).*$|(?<=[;{{,)]) // .*$")
# Keys of objects and what something is compared with are code.
KEYS = re.compile(rf"(?:{STRING})(?=: )|[!=]== (?:{STRING})")
# Three words beside each other, or one that begins with a capital.
SENTENCE = re.compile(r"[A-Za-z’]+[,.]? [a-z’]+[,.]? [a-z’]+|^[A-Z][a-z’]+(?:,? .*)?[.…!]?$")
# Keys, headers, names of browsers' errors, and lists of elements for selectors and for what may stay in HTML.
CODE = re.compile(
    r"^(Enter|Escape|Home|End|Tab|Accept|Range|Origin|Authorization|Arrow\w+|Backspace|Delete|Files|Content-Type|\w*Error)$"
    r"|^(noopener|a blockquote|button|input|p)\b|[{}<>=\[\]]|^--|^\w+ (allow|color|rgb)|scheme|\\d|Guildhall"
)


# What apps in answers are told, which are programs.
TO_APPS = {
    "This host doesn’t support that.",
    "Invalid parameters.",
    "The site can’t be reached.",
    "Too many requests at once.",
}
TO_APPS |= {"The person declined this."}


def said_in(template: str) -> Iterator[str]:
    """What a template says itself: its text, and what screen readers and empty fields say."""
    html = SILENT.sub(" ", TAGS.sub("\x00", template))
    for text in (*SAID.findall(html), *re.split(r"(?s)<[^>]*>|\x00", html)):
        line = " ".join(NO_TEXT.sub(" ", text).replace("\x00", " ").split())
        if WORD.search(line) and line not in SAME:
            yield line


def strings_in(script: str) -> Iterator[str]:
    """The sentences in a script that no `t` or `tn` translates."""
    for one, other in re.findall(STRING, KEYS.sub("", COMMENT.sub("", MARKED.sub("", script)))):
        text = one or re.sub(r"\$\{[^}]*\}", "…", other)
        if SENTENCE.search(text) and not CODE.search(text) and text not in TO_APPS:
            yield text


def files(root: Path, ending: str) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob(f"*{ending}")):
        name = str(path.relative_to(root))
        if "vendor/" not in name and name not in ATTRIBUTES and not IN_ENGLISH.match(name):
            yield name, path.read_text()


def test_every_text_of_a_template_is_marked() -> None:
    found = {name: [*said_in(text)] for end in (".html", ".txt") for name, text in files(WEB / "templates", end)}
    assert len(found) > 100
    assert {name: left for name, left in found.items() if left} == {}


def test_every_sentence_of_a_script_is_marked() -> None:
    found = {name: [*strings_in(text)] for name, text in files(WEB / "static", ".js")}
    assert len(found) > 50
    assert {name: left for name, left in found.items() if left} == {}


def test_no_stylesheet_says_anything() -> None:
    said = re.compile(r'content: "[^"\\]*[A-Za-z]{3}')
    assert [name for name, text in files(WEB / "static", ".css") if said.search(text)] == []


def test_what_is_not_marked_is_found() -> None:
    assert [*said_in('<p>One <b title="Two">{{ n }}</b> {% translate "Three" %} of{# No #} <code>x</code></p>')] == [
        *("Two", "One", "of")
    ]
    assert [*strings_in('say("Not saved yet."); say(t("Saved.")); // in a comment here\nsay("a.b");')] == [
        "Not saved yet."
    ]
