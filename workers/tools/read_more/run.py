"""The tool `read_more`: the rows of a table or of a result that was cut, from any of them on."""

from dataclasses import replace
from typing import Any, Final

from gpts.knowledge.cut_tables import part_of_table
from workers.isolation.errors import FileError
from workers.tools import InputFile, ToolContext, ToolError, ToolOutput
from workers.tools.long_results import PREFIX, shortened
from workers.tools.settings import ToolSettings

_NO_FILE: Final = "There is no such file. Files that can be read: {names}."


def unavailable(settings: ToolSettings) -> str:
    """Nothing: files can be read on every machine."""
    return ""


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """The rows of `arguments["name"]` from `offset` on, as many as the model has room for. Raises ToolError."""
    files = {file.name: file for file in context.files if file.name.startswith(PREFIX) or _segment(file)}
    file = files.get(str(arguments.get("name") or ""))
    if file is None:
        raise ToolError(_NO_FILE.format(names=", ".join(files) or "none"))
    output = ToolOutput(
        "",
        untrusted=file.untrusted,
        written_by=(f"the file {file.name}",) if file.untrusted else (),
        private=("the files",),
    )
    offset = int(arguments.get("offset") or 1)
    try:
        if file.text is None or not file.text.segment:
            text = file.path.read_text("utf-8", "replace")
            return replace(output, text=shortened(text, context.room_chars, file.name, offset))
        part = part_of_table(context.whole(file.text), context.room_chars, offset)
        return replace(output, text=part.for_model(), passages=(part,))
    except (IndexError, FileError) as error:
        raise ToolError(str(error)) from error


def _segment(file: InputFile) -> str:
    return file.text.segment if file.text else ""
