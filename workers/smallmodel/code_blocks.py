"""Paragraphs of files that are code, marked as such in an answer."""

import re
from typing import Final

# Lines as only programs have them: keywords before no sentence, indents, open brackets, calls, assignments.
_CODE_LINE: Final = re.compile(
    r"^(?:import|from|def|class|return|const|let|var) .*[^.!?]$|^\s{2,}\S|^[\])}]|[{;(\[=]$|\w\([\w\"']|\w = \S"
)
_LISTED: Final = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s|\|")


def with_code_blocks(text: str) -> str:
    """`text` with its paragraphs of code in fences: Markdown would flow their lines together."""
    return "\n\n".join(f"```\n{each}\n```" if _is_code(each) else each for each in text.split("\n\n"))


def _is_code(paragraph: str) -> bool:
    lines = paragraph.splitlines()
    code = [line for line in lines if _CODE_LINE.search(line) and not _LISTED.search(line)]
    return len(lines) > 1 and len(code) > len(lines) / 2
