"""The tool `read_more`: the rows of a result that was cut, from any of them on."""

from typing import Any

from workers.tools import ToolContext, ToolError, ToolOutput
from workers.tools.long_results import PREFIX, shortened
from workers.tools.settings import ToolSettings


def unavailable(settings: ToolSettings) -> str:
    """Nothing: files can be read on every machine."""
    return ""


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """The rows of `arguments["name"]` from `offset` on, as many as the model has room for. Raises ToolError."""
    results = {file.name: file for file in context.files if file.name.startswith(PREFIX)}
    file = results.get(str(arguments.get("name") or ""))
    if file is None:
        raise ToolError(f"There is no such file. Files that can be read: {', '.join(results) or 'none'}.")
    text = file.path.read_text("utf-8", "replace")
    try:
        part = shortened(text, context.room_chars, file.name, int(arguments.get("offset") or 1))
    except IndexError as error:
        raise ToolError(str(error)) from error
    return ToolOutput(
        part,
        untrusted=file.untrusted,
        written_by=(f"the file {file.name}",) if file.untrusted else (),
        private=("the files",),
    )
