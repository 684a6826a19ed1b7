"""Translations: collects the marked texts and keeps the catalogs (.po) in step, and what is made of them.

Made with Babel (a development dependency), which needs no gettext on the machine. What is made (.mo, .json) is kept
in the repository, so that a site needs neither.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.inputs import KINDS
from gpts.spec.sources import SECRETS, TITLES
from web import worker_texts
from web.engines import DEFAULT_TITLE, OWN_TITLE

WEB: Final = settings.REPOSITORY / "platform/web"
# A refusal whose docstring is its default message (runs/errors.py).
_REFUSAL: Final = re.compile(r'class \w+\(Refused\):\n    """(.+?)"""')
# The console under /admin/ is in English; Django's and Unfold's own catalogs translate its frame.
CONSOLE: Final = re.compile(r"/operate/(admin|site)\w*\.py$|/templates/(admin|unfold)/")
KEYWORDS: Final[dict[str, Any]] = {
    "_": None,
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "t"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "tn"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}


def translated() -> list[str]:
    """The languages that have a catalog, as Django codes."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po_path(language: str) -> Path:
    """Where the texts of a language are translated."""
    path: Path = WEB / "locale" / to_locale(language) / "LC_MESSAGES/django.po"
    return path


def json_path(language: str) -> Path:
    """The scripts' part of a language."""
    path: Path = WEB / "static/languages" / f"{language}.json"
    return path


def _found(path: Path) -> Iterator[tuple[Any, ...]]:
    text = path.read_text()
    method = "javascript" if path.suffix == ".js" else "python"
    if path.suffix in {".html", ".txt"}:  # as Python; without indentation, which would have to be Python's
        text = re.sub(r"(?m)^[ \t]+", "", templatize(text))
    return extract(method, BytesIO(text.encode()), KEYWORDS)


def _sources() -> list[Path]:
    scripts = (path for path in WEB.glob("static/**/*.js") if "vendor" not in path.parts)
    found = [*WEB.rglob("*.py"), *WEB.glob("templates/**/*.html"), *WEB.glob("templates/**/*.txt"), *scripts]
    return sorted(path for path in found if not CONSOLE.search(str(path)))


def _listed() -> Iterator[tuple[str, str]]:
    """Texts that are no literals of gettext: of built-in tools, sources, and the default messages of refusals."""
    for name, tool in BUILTIN_TOOLS.items():
        line, capability = tool.line, tool.capability
        texts = (line.doing, line.done, line.failed, line.declined, line.short, line.many)
        for text in filter(None, (*texts, tool.spec.title, capability.title, capability.help, tool.approval.plain)):
            yield f"tools/{name}", text
    for each in CAPABILITIES.values():
        yield "tools", each.title
        yield "tools", each.help
    model = tomllib.loads((WEB / "operate/titles.toml").read_text("utf-8"))
    for text in (
        *TITLES.values(),
        *tomllib.loads((WEB / "builder/marks.toml").read_text("utf-8"))["marks"],
        *SECRETS.values(),
        *KINDS.values(),
        DEFAULT_TITLE,
        OWN_TITLE,
        *chain(*model["abilities"].values()),
        *model["parts"].values(),
    ):
        yield "titles", text
    yield "builder", tomllib.loads((WEB / "builder/builder.toml").read_text("utf-8"))["name"]
    for text in worker_texts.collected():
        yield "workers", text
    for path in WEB.rglob("*.py"):
        for default in _REFUSAL.finditer(path.read_text()):
            yield str(path.relative_to(WEB)), default[1]


def extracted() -> Catalog:
    """All marked texts of the site, untranslated."""
    catalog = Catalog()
    for path in _sources():
        name = str(path.relative_to(WEB))
        for line, text, comments, context in _found(path):
            catalog.add(text, None, [(name, line)], auto_comments=comments, context=context)
    for name, text in _listed():
        catalog.add(text, None, [(name, 0)])
    return catalog


def read(language: str) -> Catalog:
    """A language's catalog; an empty one if it has none yet."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=to_locale(language))
    with path.open("rb") as file:
        return read_po(file, locale=to_locale(language))


def write(language: str, catalog: Catalog) -> None:
    """Save a catalog and what is made of it."""
    path = po_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    path.with_suffix(".mo").write_bytes(compiled(catalog))
    json_path(language).write_text(script_texts(catalog))


def compiled(catalog: Catalog) -> bytes:
    """The .mo file of a catalog."""
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def _is_of_scripts(message: Message) -> bool:
    return any(name.endswith(".js") for name, _ in message.locations)


def script_texts(catalog: Catalog) -> str:
    """JSON that translate.js reads: text to translation, or to its plural forms under the first text."""
    texts = {
        message.id if isinstance(message.id, str) else message.id[0]: message.string
        for message in catalog
        if message.id and _is_of_scripts(message) and message.string
    }
    return json.dumps(dict(sorted(texts.items())), ensure_ascii=False, indent=0) + "\n"


def update() -> dict[str, int]:
    """Bring all catalogs in step with the marked texts; how many texts each still lacks."""
    marked = extracted()
    worker_texts.LISTED.write_text(json.dumps(worker_texts.collected(), ensure_ascii=False, indent=0) + "\n")
    lacking = {}
    for language in translated():
        catalog = read(language)
        catalog.update(marked, no_fuzzy_matching=True, update_creation_date=False)
        write(language, catalog)
        lacking[language] = sum(not is_translated(message) for message in catalog if message.id)
    return lacking


def is_translated(message: Message) -> bool:
    """Whether every form of a text has a translation."""
    return all(message.string) if isinstance(message.string, (tuple, list)) else bool(message.string)
