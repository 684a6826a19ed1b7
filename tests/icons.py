"""`python -m tests.icons`: makes the console's icon font from Unfold's, with the icons that its pages name.

Unfold's has 3,800 icons and weighs 292 kB of the 600 kB that a page of the console may.
"""

import re
from pathlib import Path
from typing import Final

import unfold
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

REPOSITORY: Final = Path(__file__).resolve().parents[1]
UNFOLD: Final = Path(unfold.__file__).parent
NAME: Final = "unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"
OWN: Final = REPOSITORY / "platform/web/static" / NAME
# What names icons: any word may.
SOURCES: Final = (
    (UNFOLD, ("**/*.html", "**/*.py", "static/unfold/js/app.js")),
    (REPOSITORY / "platform/web", ("templates/[aou]*/*.html", "operate/*.py", "static/operate/*.js", "settings.py")),
)
_WORD: Final = re.compile(r"[a-z0-9_]{3,}")


def named(glyphs: set[str]) -> set[str]:
    """The `glyphs` whose names stand somewhere in the sources, of which a few are words and no icons."""
    texts = (path.read_text("utf-8") for root, globs in SOURCES for glob in globs for path in root.glob(glob))
    return {name for text in texts for name in _WORD.findall(text)} & glyphs


def glyphs_of(path: Path) -> set[str]:
    """The names of the icons in a font."""
    return {name for name in TTFont(path).getGlyphOrder() if len(name) > 2}


def main() -> None:
    """Write the site's font."""
    font = TTFont(UNFOLD / "static" / NAME)
    options = Options(layout_closure=False, layout_features=["*"], glyph_names=True, flavor="woff2")
    subsetter = Subsetter(options)
    letters = set(font.getBestCmap().values()) & set("abcdefghijklmnopqrstuvwxyz")
    digits = {f"digit_{name}" for name in "zero one two three four five six seven eight nine".split()}
    icons = named(glyphs_of(UNFOLD / "static" / NAME))
    subsetter.populate(glyphs=[*letters, *digits, "underscore", "space", *icons])
    subsetter.subset(font)
    font.flavor = "woff2"
    OWN.parent.mkdir(parents=True, exist_ok=True)
    font.save(OWN)
    print(f"{len(icons)} icons, {OWN.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
