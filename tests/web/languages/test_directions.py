"""Style sheets say start and end, not left and right, so that pages also run from right to left."""

import re

from django.conf import settings

SHEETS = settings.REPOSITORY / "platform/web/static"
PHYSICAL = re.compile(
    r"\b(?:margin|padding|border)-(?:left|right)\b|(?<![\w-])(?:left|right)\s*:|text-align:\s*(?:left|right)\b"
    r"|float:\s*(?:left|right)\b|border-(?:top|bottom)-(?:left|right)-radius"
    # Four values, of which the second and the fourth are the right and the left side.
    r"|(?<![\w-])(?:padding|margin):\s*(?:(?P<v>[\w.-]+|\w+\([^()]*\))\s+)(?P<right>[\w.-]+|\w+\([^()]*\))\s+[\w.()-]+\s+"
    r"(?!(?P=right)\s*[;}])[\w.-]+(?:\([^()]*\))?\s*[;}]"
)
# Code runs from left to right everywhere; what is in the middle, out of sight or in reset has no side.
ALLOWED = re.compile(r"direction: ltr; text-align: left|left: (?:50%|-2000px|auto)")


def test_no_rule_names_a_side() -> None:
    found = [
        f"{path.relative_to(SHEETS)}:{number}"
        for path in SHEETS.rglob("*.css")
        if "vendor" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if PHYSICAL.search(ALLOWED.sub("", line))
    ]
    assert found == []
