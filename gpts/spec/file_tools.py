"""The tools by which a model finds its way in files that are too long for its prompt.

A run grants them, not a capability, and its workers perform them themselves: the result of a call is a `Retrieval`.
"""

from typing import Any, Final

from gpts.spec.tools import ToolSpec

SEARCH_FILES: Final = "search_files"
READ_FILES: Final = "read_files"
# The built-in tool for more of what was cut: of a result, or of a table.
READ_MORE: Final = "read_more"
QUERY_CHARS: Final = 1_000
_NAMES: Final = {
    "type": "array",
    "items": {"type": "string"},
    "maxItems": 20,
    "description": "Names of the files, as they are listed. Without it: all of them.",
}


def _tool(name: str, title: str, description: str, asks: str, about: str) -> ToolSpec:
    asked = {"type": "string", "minLength": 1, "maxLength": QUERY_CHARS, "description": about}
    parameters: dict[str, Any] = {
        "type": "object",
        "properties": {asks: asked, "files": _NAMES},
        "required": [asks],
        "additionalProperties": False,
    }
    return ToolSpec(name=name, title=title, description=description, parameters=parameters, builtin=name)


FILE_TOOLS: Final = {
    SEARCH_FILES: _tool(
        SEARCH_FILES,
        "Search the files",
        "Finds the passages of your files, and of long attached ones, that say most on something. Call it before you "
        "answer a question on their subject, and again in other words, or for each thing that is asked, if the "
        "passages do not answer it.",
        "query",
        "What to find, as a question or in words that the files may use, understood without the conversation.",
    ),
    READ_FILES: _tool(
        READ_FILES,
        "Read the files",
        "Reads long files from beginning to end and returns notes on all of them. It takes minutes: only to say what "
        "whole files are about, to summarize or compare them, or to list everything of one kind in them.",
        "task",
        "What to find in them, or the word summary.",
    ),
}
