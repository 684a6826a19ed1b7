"""A value as text for the model and as Markdown for people. Library types are recognised only if imported."""

import pprint
import re
import sys
from typing import Any, Final

MAX_ROWS: Final = 30
MAX_COLUMNS: Final = 12
_MAX_CHARS: Final = 20_000


def shown(value: object) -> dict[str, str]:
    """`value` (text) and `markdown` of a value; {} for None and for what plotting functions return."""
    if value is None or _is_drawing(value):
        return {}
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()  # type: ignore[attr-defined]  # a NumPy scalar is shown as a plain number
    table = _as_table(value)
    if table is not None:
        return {"value": str(value)[:_MAX_CHARS], "markdown": table}
    text = (value if isinstance(value, str) else _text(value))[:_MAX_CHARS]
    return {"value": text, "markdown": text if isinstance(value, (int, float, bool, complex)) else fenced(text)}


def fenced(text: str) -> str:
    """`text` as a Markdown code block that nothing in it can close; a short line as inline code."""
    if "\n" not in text and "`" not in text and len(text) <= 200:
        return f"`{text}`" if text.strip() else ""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def _as_table(value: object) -> str | None:
    """A data frame or series as a Markdown table with at most 30 rows and 12 columns; None for anything else."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(value, (pandas.DataFrame, pandas.Series)):
        return None
    frame: Any = value.to_frame(value.name if value.name is not None else "value") if value.ndim == 1 else value
    part = frame.iloc[:MAX_ROWS, :MAX_COLUMNS]
    numbered = isinstance(frame.index, pandas.RangeIndex) and frame.index.start == 0
    head = [] if numbered else [" / ".join(str(name) for name in part.index.names if name is not None)]
    labelled = zip(part.index, part.itertuples(index=False, name=None), strict=True)
    rows = [[*([] if numbered else [_cell(label)]), *map(_cell, row)] for label, row in labelled]
    lines = [[*head, *map(_cell, part.columns)], ["---"] * (len(head) + part.shape[1]), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    if frame.shape == part.shape:
        return table
    shown, whole = part.shape, frame.shape
    return f"{table}\n\n{shown[0]} of {whole[0]} rows and {shown[1]} of {whole[1]} columns are shown."


def _cell(value: object) -> str:
    if value is None or value != value or type(value).__name__ in ("NaTType", "NAType"):
        return ""  # a missing value
    if isinstance(value, float):
        text = f"{value:.6g}" if abs(value) < 1e6 else f"{value:,.2f}"
    elif isinstance(value, tuple):
        text = " / ".join(map(str, value))
    else:
        text = str(value)
    return text.replace("|", "\\|").replace("\n", " ").replace("\r", " ")[:200]


def _is_drawing(value: Any) -> bool:
    """Whether the value is what a plotting function returns: an axis, a line, or a list of them."""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "ndarray":
        flat = list(value)[:4] if getattr(value, "ndim", 1) == 1 else []
        return bool(flat) and all(_is_drawing(each) for each in flat)
    return type(value).__module__.startswith("matplotlib.")


def _text(value: object) -> str:
    if isinstance(value, (dict, list, tuple, set)):
        return pprint.pformat(value, width=100, sort_dicts=False)
    return repr(value)
