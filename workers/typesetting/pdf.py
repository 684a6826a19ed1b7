"""The PDF of a chat: runs in a child process without network and other files (workers/isolation).

Characters that no font here has are never shown as boxes. Typst names them when it makes PDF/A: a few are named in
brackets instead, and a text that is written in such a script has no PDF.
"""

import json
import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import typst
from PIL import Image, ImageOps

from workers.typesetting.tree import Node, breakable, nodes_of

_FOLDER: Final = Path(__file__).parent  # Typst may read files in here, and no other
_MISSING: Final = re.compile(r'the text `"((?:[^"\\]|\\.)++)"` could not be displayed')
_TAG: Final = re.compile(r"<[^<>]*>")
_ESCAPE: Final = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
# So many letters without a font, in all, are the text itself and not a word in it.
MAX_LETTERS: Final = 40
MAX_ROUNDS: Final = 4
MAX_PIXELS: Final = 1_400
NAMED: Final = "Characters that this site has no font for are named in brackets."
NO_FONT: Final = (
    "This site has no font for some of the text ({}). Choose “Print” instead: your browser has fonts of its own."
)


def render(data: bytes) -> bytes:
    """The PDF of the chat in `data` (see `workers/rpc/exporting.py`), or as JSON in `refused` why there is none."""
    chat = json.loads(data)
    chat["messages"] = [_message(each) for each in chat["messages"]]
    text = json.dumps(chat | {"note": ""}, ensure_ascii=False)
    names: dict[str, str] = {}
    for _ in range(MAX_ROUNDS):
        shown = _named(text, names)
        pdf, missing = _compiled(shown)
        if pdf:
            return pdf
        names |= {each: _name(each) for each in missing}
        if letters := _unreadable(text, names):
            return json.dumps({"refused": NO_FONT.format(letters)}).encode()
    raise ValueError("Typst names ever more characters")


def _message(message: dict[str, Any]) -> dict[str, Any]:
    html = message.pop("html", None)
    nodes = nodes_of(html) if html is not None else _said(message["text"])
    text = message.pop("text") if html is None else _TAG.sub("", html)
    pictures = [shown for each in message["pictures"] if (shown := _picture(each))]
    sources = [breakable(each) for each in message["sources"]]
    return {**message, "nodes": nodes, "rtl": _is_rtl(text), "pictures": pictures, "sources": sources}


def _said(text: str) -> list[Node]:
    """A person's own text, with its lines."""
    return [
        {"tag": "p", "kids": [kid for line in part.split("\n") for kid in (breakable(line), {"tag": "br"})][:-1]}
        for part in re.split(r"\n\s*\n", text.strip())
    ]


def _is_rtl(text: str) -> bool:
    """Whether the first letter of `text` that has a direction goes to the left."""
    found = map(unicodedata.bidirectional, text)
    return next((each for each in found if each in ("L", "R", "AL")), "L") != "L"


def _compiled(data: str) -> tuple[bytes, list[str]]:
    """The PDF, or else the characters that no font has. Raises TypstError."""
    compiler = typst.Compiler((_FOLDER / "chat.typ").read_bytes(), root=_FOLDER, sys_inputs={"data": data})
    try:
        pdf = compiler.compile(format="pdf", pdf_standards="a-2b", timestamp=0)
    except typst.TypstError as error:
        if missing := list(_missing(error.diagnostic)):
            return b"", missing
        raise
    assert isinstance(pdf, bytes)
    return pdf, []


def _missing(diagnostic: str) -> Iterable[str]:
    for found in _MISSING.findall(diagnostic):
        text = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), found)
        yield from (each for each in text if each > "\u00ff")


def _name(character: str) -> str:
    """What is shown instead; nothing for marks that only change how others look."""
    if unicodedata.category(character) in ("Cf", "Mn", "Me", "Sk"):
        return ""
    return f"[{unicodedata.name(character, '').lower() or f'U+{ord(character):04X}'}]"


def _named(text: str, names: Mapping[str, str]) -> str:
    """The data with the names in place of these characters, and a note if there are any."""
    if not names:
        return text
    return json.dumps(
        json.loads(text.translate({ord(each): name for each, name in names.items()})) | {"note": NAMED},
        ensure_ascii=False,
    )


def _unreadable(text: str, names: Mapping[str, str]) -> str:
    """Some of the letters without a font, if they are much of the text; else empty."""
    letters = [each for each in names if unicodedata.category(each).startswith("L")]
    return " ".join(letters[:5]) if sum(map(text.count, letters)) > MAX_LETTERS else ""


def _picture(given: dict[str, str]) -> dict[str, Any] | None:
    """A picture for the template: an SVG that holds its pixels, as Typst takes strings. None if it can't be read."""
    try:
        with Image.open(BytesIO(b64decode(given["data"]))) as opened:
            opened.draft("RGB", (MAX_PIXELS, MAX_PIXELS))
            picture = ImageOps.exif_transpose(opened)
            picture.thumbnail((MAX_PIXELS, MAX_PIXELS))
            small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    kind = "png" if small.mode == "RGBA" else "jpeg"
    held = BytesIO()
    small.save(held, kind, quality=85)
    width, height = small.size
    source = f"data:image/{kind};base64,{b64encode(held.getvalue()).decode()}"
    size = f'width="{width}" height="{height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><image {size} href={quoteattr(source)}/></svg>'
    return {"name": given["name"], "svg": svg, "width": width}
