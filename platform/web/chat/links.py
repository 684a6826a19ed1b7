"""Links of an answer, which show where they lead before they are followed.

static/chat/markdown.js has the same rules for answers in progress; tests run the same cases against both. A link
shows its host unless its text does, shows data that it would send, and is marked if its URL is only in external
content. Nothing is ever loaded from there: pictures become links too. For the finished answer `gpts.safety.links`
checks whole URLs, not only hosts, and codes anywhere in them.
"""

import re
from collections.abc import Callable, Iterable
from html import unescape
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, strip_tags
from django.utils.translation import gettext, gettext_noop

from gpts.runs.steps import Log, PartNotes, Retrieval, ToolResult, UserMessage
from gpts.safety.links import hidden_data, is_only_from_untrusted
from gpts.spec.gpt import GptSpec

# A link as nh3 writes it: attributes in quotes, no link within a link.
_LINK: Final = re.compile(r'<a((?: [\w-]+="[^"]*")*)>((?:[^<]++|<(?!a[ >]|/a>))*+)</a>')
_HREF: Final = re.compile(r' href="([^"]*)"')
_URL: Final = re.compile(r"https?://[^\s<>\"'`\])}|\\^]+")
# What people read as a host. A file name looks the same; then the host is shown although not needed.
# Its parts are bounded as in DNS, and so is the time that "a.a.a.…" takes.
_HOST: Final = re.compile(r"(?:[\w-]{1,63}\.){1,12}[^\W\d_][\w-]{1,62}")
# Shorter values are page names and options; a secret or a sentence is longer.
DATA_CHARS: Final = 16
SHOWN_CHARS: Final = 48
FROM_OUTSIDE: Final = gettext_noop("from a page it read")

IsOutside = Callable[[str], bool]


def host(url: str) -> str:
    """The host of a URL, or the address of a mailto link; empty if there is none."""
    try:
        parts = urlsplit(url)
        return (parts.path if parts.scheme == "mailto" else parts.hostname or "").lower()
    except ValueError:
        return ""


def page_url(view: str, row_id: str) -> str:
    """The URL of `view` for a row's id in a log; empty for an id that is not ours."""
    try:
        return reverse(view, args=[row_id]) if row_id else ""
    except NoReverseMatch:
        return ""


def shows_host(words: str, url: str) -> bool:
    """Whether the text of a link names its host and no other."""
    target = host(url).removeprefix("www.")
    named = [found.lower().removeprefix("www.") for found in _HOST.findall(words)]
    return target in words.lower() if "@" in target else bool(named) and set(named) == {target}


def data_sent(url: str) -> str:
    """The data that the link would send to its host: long values in its query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    pairs = [pair for text in (parts.query, parts.fragment) for pair in parse_qsl(text) or [(text, "")]]
    values = (f"{name}={value}" if value else name for name, value in pairs)
    return "&".join(text for text in values if len(text) >= DATA_CHARS or " " in text)


def shortened(text: str) -> str:
    """`text` on one line that fits after a link."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[:SHOWN_CHARS] + "…"


def explained(html: str, is_outside: IsOutside) -> str:
    """Clean `html` in which every link shows its host, its data and whether it `is_outside`."""
    return _LINK.sub(lambda found: _explained(found[1], found[2], is_outside), html)


def _explained(attributes: str, words: str, is_outside: IsOutside) -> str:
    found = _HREF.search(attributes)
    if found is None:
        return words
    url = unescape(found[1])
    notes = ""
    if not shows_host(unescape(strip_tags(words)), url):
        notes += format_html(' <span class="link-host">{}</span>', host(url))
    if data := data_sent(url) or ("@" not in host(url) and hidden_data(url)):
        notes += format_html(
            ' <span class="link-note">{}</span>', gettext("sends “{data}”").format(data=shortened(data))
        )
    if is_outside(url):
        notes += format_html(' <span class="link-note">{}</span>', gettext(FROM_OUTSIDE))
    title = format_html(' title="{}"', url)
    return f"<a{attributes}{title}>{words}</a>{notes}"


def judged(spec: GptSpec, log: Log) -> IsOutside:
    """A function that says whether a URL is only in external content of this run."""
    texts = [each for step in log for each in _texts(step)]
    own = [spec.instructions, spec.description, *spec.starters, *(text for text, untrusted in texts if not untrusted)]
    found = [url for text, untrusted in texts if untrusted for url in _URL.findall(text)]
    return lambda url: is_only_from_untrusted(url, own, found)


def outside_urls(log: Log) -> tuple[str, ...]:
    """URLs in external content that the run has read, on hosts that nothing else in it names."""
    from_outside = " ".join(text for step in log for text, untrusted in _texts(step) if untrusted)
    own = " ".join(text for step in log for text, untrusted in _texts(step) if not untrusted).lower()
    found = dict.fromkeys(url.rstrip(".,;:!?") for url in _URL.findall(from_outside))
    return tuple(url for url in found if host(url) and host(url) not in own)


def _texts(step: object) -> Iterable[tuple[str, bool]]:
    """The texts that the step gave the model to read, each with whether it is external content."""
    if isinstance(step, UserMessage):
        yield step.text, False
        yield step.received, True
    elif isinstance(step, ToolResult):
        for text in (step.text, *step.urls, *(passage.text for passage in step.passages)):
            yield text, step.label.is_untrusted
    elif isinstance(step, Retrieval | PartNotes):
        yield from ((passage.text, passage.untrusted) for passage in step.passages)
