"""Reads wishes for the totals of one column of a table by another, or a chart of them, and writes Python.

"Plot revenue by month in sales.csv". The columns are not known here: the code looks them up when it runs. Words of
the message reach it as quoted strings only; a column that is not there ends it with the names of those that are.
"""

from typing import Final

from workers.smallmodel.phrases import pattern, phrases

_DATA: Final = phrases("totals")
_WISH: Final = pattern("".join(_DATA["wish"]))


def totals_code(question: str) -> str | None:
    """Python for totals by a column of the file that `question` names or of the only table; None for other wishes."""
    found = _WISH.fullmatch(" ".join(question.split()))
    if not found:
        return None
    names = (found["value"], found["group"], found["file"] or "", bool(found["chart"]))
    return f"wanted, by, file, draws = {names!r}\n{_DATA['code']}"
