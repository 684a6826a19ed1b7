"""Reads wishes for the total of one column of a table, or totals by another or a chart of them, and writes Python.

"Plot revenue by month in sales.csv". The columns are not known here: the code looks them up when it runs. Words of
the message reach it as quoted strings only; a column that is not there ends it with the names of those that are.
"""

from typing import Final

from workers.smallmodel.phrases import pattern, phrases

_DATA: Final = phrases("totals")
_WISH: Final = pattern("".join(_DATA["wish"]))
_COLUMN: Final = pattern("".join(_DATA["column"]))


def totals_code(question: str) -> str | None:
    """Python for totals of a column of the file that `question` names or of the only table; None for other wishes."""
    text = " ".join(question.split())
    if found := _WISH.fullmatch(text):
        names = (found["value"], found["group"], found["file"] or "", bool(found["chart"]))
    elif (found := _COLUMN.fullmatch(text)) and (found["named"] or found["column"] or found["where"]):
        names = (found["named"] or found["value"], "", found["file"] or "", False)
    else:
        return None
    return f"wanted, by, file, draws = {names!r}\n{_DATA['code']}"
