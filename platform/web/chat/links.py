"""Links of an answer, so that a reader sees where each leads before following it.

static/chat/markdown.js repeats these rules while an answer is being written; tests hold both to the same cases. A
link shows its host unless its words do, tells which data it would send along, and is marked where only text from
outside gave its address. Nothing is ever loaded from there: pictures are links as well. The finished answer is judged
more closely (`gpts.safety.links`): by whole addresses, not hosts alone, and for codes anywhere in them.
"""

import re
from collections.abc import Callable, Iterable
from html import unescape
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from django.utils.html import format_html, strip_tags

from gpts.runs.steps import Log, Retrieval, ToolResult, UserMessage
from gpts.safety.links import hidden_data, is_only_from_untrusted
from gpts.spec.gpt import GptSpec

# An element as nh3 writes it: attributes in quotes, no link within a link.
_LINK: Final = re.compile(r'<a((?: [\w-]+="[^"]*")*)>(.*?)</a>', re.DOTALL)
_HREF: Final = re.compile(r' href="([^"]*)"')
_URL: Final = re.compile(r"https?://[^\s<>\"'`\])}|\\^]+")
# What people read as a host; a file name looks the same, and then the host is shown once too often.
_HOST: Final = re.compile(r"(?:[\w-]+\.)+[^\W\d_][\w-]+")
# Shorter values are names of pages and choices of lists; a secret or a sentence does not fit.
DATA_CHARS: Final = 16
SHOWN_CHARS: Final = 48
FROM_OUTSIDE: Final = "from a page it read"

IsOutside = Callable[[str], bool]


def host(url: str) -> str:
    """The host that a link leads to, or the address that a mail goes to; empty where there is none."""
    try:
        parts = urlsplit(url)
        return (parts.path if parts.scheme == "mailto" else parts.hostname or "").lower()
    except ValueError:
        return ""


def shows_host(words: str, url: str) -> bool:
    """Whether the words of a link name its host and no other."""
    target = host(url).removeprefix("www.")
    named = [found.lower().removeprefix("www.") for found in _HOST.findall(words)]
    return target in words.lower() if "@" in target else bool(named) and set(named) == {target}


def data_sent(url: str) -> str:
    """What following the link would tell its host besides a page's name: long values of its query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    pairs = [pair for text in (parts.query, parts.fragment) for pair in parse_qsl(text) or [(text, "")]]
    told = (f"{name}={value}" if value else name for name, value in pairs)
    return "&".join(text for text in told if len(text) >= DATA_CHARS or " " in text)


def shortened(text: str) -> str:
    """`text` in one line that fits behind a link."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[:SHOWN_CHARS] + "…"


def explained(html: str, is_outside: IsOutside) -> str:
    """Clean `html` with every link telling its host, its data and, where `is_outside`, that a page supplied it."""
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
        notes += format_html(' <span class="link-note">sends “{}”</span>', shortened(data))
    if is_outside(url):
        notes += format_html(' <span class="link-note">{}</span>', FROM_OUTSIDE)
    title = format_html(' title="{}"', url)
    return f"<a{attributes}{title}>{words}</a>{notes}"


def judged(spec: GptSpec, log: Log) -> IsOutside:
    """What says of an address whether nobody but outsiders named it in this run."""
    texts = [each for step in log for each in _texts(step)]
    own = [spec.instructions, spec.description, *spec.starters, *(text for text, untrusted in texts if not untrusted)]
    found = [url for text, untrusted in texts if untrusted for url in _URL.findall(text)]
    return lambda url: is_only_from_untrusted(url, own, found)


def outside_addresses(log: Log) -> tuple[str, ...]:
    """Addresses in what the run read from outside, on hosts that nobody else named in it."""
    from_outside = " ".join(text for step in log for text, untrusted in _texts(step) if untrusted)
    own = " ".join(text for step in log for text, untrusted in _texts(step) if not untrusted).lower()
    found = dict.fromkeys(url.rstrip(".,;:!?") for url in _URL.findall(from_outside))
    return tuple(url for url in found if host(url) and host(url) not in own)


def _texts(step: object) -> Iterable[tuple[str, bool]]:
    """What the step gave the model to read, and whether outsiders may have written it."""
    if isinstance(step, UserMessage):
        yield step.text, False
    elif isinstance(step, ToolResult):
        for text in (step.text, *step.urls, *(passage.text for passage in step.passages)):
            yield text, step.label.is_untrusted
    elif isinstance(step, Retrieval):
        yield from ((passage.text, passage.untrusted) for passage in step.passages)
