"""The tool `read_more`: the rows of a table or of a result that was cut, from any of them on."""

from dataclasses import replace
from typing import Any

from gpts.knowledge.cut_tables import is_table, part_of_table
from workers.isolation.errors import FileError
from workers.tools import NAMES, InputFile, ToolContext, ToolError, ToolOutput
from workers.tools.long_results import PREFIX, shortened
from workers.tools.settings import ToolSettings


def unavailable(settings: ToolSettings) -> str:
    """Nothing: files can be read on every machine."""
    return ""


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """The rows of `arguments["name"]` from `offset` on, as many as the model has room for. Raises ToolError."""
    files = {file.name: file for file in context.files if file.name.startswith(PREFIX) or _segment(file)}
    file = files.get(str(arguments.get("name") or ""))
    if file is None:
        there = ", ".join(files)
        raise ToolError(f"There is no such file. Files that can be read: {there or 'none'}.", there and NAMES)
    output = ToolOutput(
        "",
        untrusted=file.untrusted,
        written_by=(f"the file {file.name}",) if file.untrusted else (),
        private=("the files",),
    )
    offset = int(arguments.get("offset") or 1)
    try:
        whole = context.whole(file.text) if file.text and file.text.segment else None
        if whole and is_table(whole.text):
            part = part_of_table(whole, context.room_chars, offset)
            return replace(output, text=part.for_model(), passages=(part,))
        text = whole.for_model() if whole else file.path.read_text("utf-8", "replace")
        return replace(output, text=shortened(text, context.room_chars, file.name, offset))
    except (IndexError, FileError) as error:
        raise ToolError(str(error)) from error


def _segment(file: InputFile) -> str:
    return file.text.segment if file.text else ""
