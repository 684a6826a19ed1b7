r"""Formulas in Markdown: `$…$` and `\(…\)` in a line, `$$…$$` and `\[…\]` apart, kept from Markdown's own marks.

A formula becomes code of the language "math", or "math-display" where it stands apart within a paragraph, so that its
source is shown until the page has drawn it. The same rules as in static/chat/formula_rules.js; a test runs the same
cases against both. A price is no formula: its `$` is followed by another one after a space or before a digit.

How it breaks: text that opens many formulas and closes none would be read again for each. So no formula contains the
mark that opens it or an empty line, and one in a line has at most 2,000 characters.
"""

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_INLINE: Final = re.compile(
    r"\$\$((?:[^$\\]|\\[\s\S]){1,2000})\$\$"
    r"|\\\[((?:[^\\]|\\[^\[\]]){1,2000})\\\]"
    r"|\\\(((?:[^\\]|\\[^()]){1,2000})\\\)"
    r"|(?<![A-Za-z0-9$])\$(?![\s$])((?:[^$\\]|\\[\s\S]){1,2000})(?<!\s)\$(?![A-Za-z0-9$])"
)
N_DISPLAY: Final = 2  # the first groups of the expression are of formulas that stand apart
_CLOSERS: Final = {"$$": "$$", r"\[": r"\]"}
_ALT: Final = ["paragraph", "reference", "blockquote", "list"]


def add_formulas(parser: MarkdownIt) -> None:
    """Make `parser` know formulas."""
    parser.inline.ruler.before("escape", "formula", _inline)
    parser.block.ruler.before("fence", "formula", _block, {"alt": _ALT})


def _inline(state: StateInline, silent: bool) -> bool:
    found = _INLINE.match(state.src, state.pos) if state.src[state.pos] in "$\\" else None
    if not found or not (content := (found[found.lastindex or 0]).strip()):
        return False
    if not silent:
        token = state.push("code_inline", "code", 0)
        is_display = (found.lastindex or 0) <= N_DISPLAY
        token.attrs = {"class": "language-math-display" if is_display else "language-math"}
        token.content = content
    state.pos = found.end()
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opener = _line(state, start)[:2]
    if opener not in _CLOSERS or state.is_code_block(start):
        return False
    lines = [_line(state, start)[2:]]
    while not lines[-1].endswith(_CLOSERS[opener]):
        number = start + len(lines)
        line = _line(state, number) if number < end and state.sCount[number] >= state.blkIndent else ""
        if not line or _CLOSERS[opener] in lines[-1] or (line.startswith(opener) and opener != "$$"):
            return False
        lines.append(line)
    content = "\n".join(lines)[:-2].strip()
    if not content or _CLOSERS[opener] in content:
        return False
    if not silent:
        token = state.push("fence", "code", 0)
        token.info, token.content, token.map = "math", f"{content}\n", [start, start + len(lines)]
        state.line = start + len(lines)
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()
