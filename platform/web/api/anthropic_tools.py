"""Tools that Anthropic's API knows by type: some the caller performs, others run on the server.

Those of the caller come without a schema, which Anthropic's models know: here they become functions with the schema
of their documentation. Those of the server are the GPT's own capabilities, which a request can name but not add.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gpts.spec.gpt import GptSpec
from web.api.errors import ApiError

UNKNOWN: Final = "Tools of type “{type}” are not supported. Send tools with an “input_schema”."
NO_CAPABILITY: Final = "{gpt} doesn’t have “{type}”: its creator decides what it can do. Leave the tool out."
# Which capability stands for a tool of the server, by how its type begins; None: all tools are always given.
OF_SERVER: Final[Mapping[str, str | None]] = {
    "web_search_": "web_browsing",
    "web_fetch_": "web_browsing",
    "code_execution_": "code_interpreter",
    "tool_search_tool_": None,
}
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer"}
_POINT: Final = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_EDITS: Final = {
    "path": {**_TEXT, "description": "Absolute path of the file or directory."},
    "view_range": {**_POINT, "description": "For view: the first and last line; -1 is the end."},
    "file_text": {**_TEXT, "description": "For create: the content of the file."},
    "old_str": {**_TEXT, "description": "For str_replace: the text to replace, which must occur once."},
    "new_str": {**_TEXT, "description": "For str_replace: the new text."},
    "insert_line": {**_NUMBER, "description": "For insert: the line after which to insert; 0 is the beginning."},
    "insert_text": {**_TEXT, "description": "For insert: the text."},
}
_ACTIONS: Final = (
    *("key", "type", "mouse_move", "left_click", "left_click_drag", "right_click", "middle_click", "double_click"),
    *("triple_click", "left_mouse_down", "left_mouse_up", "scroll", "hold_key", "wait", "screenshot"),
    *("cursor_position", "zoom"),
)
_MOVES: Final = {
    "coordinate": {**_POINT, "description": "x and y in pixels from the top left."},
    "start_coordinate": {**_POINT, "description": "For left_click_drag: where it begins."},
    "region": {"type": "array", "items": _NUMBER, "description": "For zoom: left, top, right and bottom."},
    "text": {**_TEXT, "description": "For type, key and hold_key: the text or the keys."},
    "scroll_direction": {"type": "string", "enum": ["up", "down", "left", "right"]},
    "scroll_amount": _NUMBER,
    "duration": {"type": "number", "description": "Seconds, for wait and hold_key."},
}
_RENAMES: Final = {"old_path": _TEXT, "new_path": _TEXT}


def _commands(names: Iterable[str], fields: Mapping[str, Any], needed: str = "command") -> dict[str, Any]:
    first = {needed: {"type": "string", "enum": list(names)}}
    return {"type": "object", "properties": {**first, **fields}, "required": [needed]}


# Description and schema of the caller's tools, by how their type begins
# (https://platform.claude.com/docs/en/agents-and-tools/tool-use, 2026-12).
_OF_CALLER: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "bash_": (
        "Runs a command in a bash shell that keeps its state between calls.",
        {"type": "object", "properties": {"command": _TEXT, "restart": {"type": "boolean"}}},
    ),
    "text_editor_": (
        "Views, creates and edits text files.",
        _commands(("view", "create", "str_replace", "insert"), _EDITS),
    ),
    "memory_": (
        "Keeps notes for later conversations in files below /memories. View that directory first.",
        _commands(("view", "create", "str_replace", "insert", "delete", "rename"), {**_EDITS, **_RENAMES}),
    ),
    "computer_2": ("Uses a computer’s screen, mouse and keyboard.", _commands(_ACTIONS, _MOVES, "action")),
}


def callers_tool(kind: str, settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Description and schema of a tool that the caller performs; None for one of the server. Raises ApiError."""
    for begin, (description, schema) in _OF_CALLER.items():
        if kind.startswith(begin):
            return " ".join((description, *_display(settings))), schema
    if not any(map(kind.startswith, OF_SERVER)):
        raise ApiError(400, UNKNOWN.format(type=kind[:64]), "tools", "unsupported_value")
    return None


def _display(settings: Mapping[str, Any]) -> Iterable[str]:
    width, height = settings.get("display_width_px"), settings.get("display_height_px")
    if isinstance(width, int) and isinstance(height, int):
        yield f"The screen is {width} × {height} pixels."


def check_server_tools(kinds: Iterable[str], spec: GptSpec) -> None:
    """Raises ApiError if the GPT has not the capability that one of these tools of the server is."""
    for kind in kinds:
        wanted = next((key for begin, key in OF_SERVER.items() if kind.startswith(begin)), None)
        if wanted and wanted not in spec.capabilities:
            text = NO_CAPABILITY.format(gpt=spec.name, type=kind[:64])
            raise ApiError(400, text, "tools", "unsupported_tool")
