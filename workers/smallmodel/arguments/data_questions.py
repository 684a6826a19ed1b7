"""Writes the Python that answers plain questions about an attached table: averages, sums, counts, groups, charts.

The columns are not known here: the code looks them up at run time by the words of the question, so the words reach it
as quoted strings only. A question that fits none of the forms gives None.
"""

import re
from collections.abc import Sequence
from typing import Final

_TABLES: Final = (".csv", ".tsv", ".xlsx", ".xlsm")
_FIGURES: Final = {
    **dict.fromkeys(("average", "mean", "avg", "durchschnitt"), "mean"),
    **dict.fromkeys(("total", "sum", "summe"), "sum"),
    **dict.fromkeys(("maximum", "max", "highest", "largest", "biggest"), "max"),
    **dict.fromkeys(("minimum", "min", "lowest", "smallest"), "min"),
    "median": "median",
    "count": "count",
    "number": "count",
}
_CHARTS: Final = {
    **dict.fromkeys(("histogram", "distribution"), "hist"),
    "pie": "pie",
    "line": "line",
    "scatter": "scatter",
    "bar": "bar",
}
_LEAD: Final = (
    r"(?:(?:can|could|would) you )?(?:please )?(?:what(?:'s|’s| is| are| was| were)?|show(?: me)?|give me|calculate"
    r"|compute|find|tell me|list)?\s*(?:the )?"
)
_FILE: Final = (
    r"(?:\s+(?:in|of|from|for)\s+(?:the|this|that|my|our)\s+(?:attached\s+|uploaded\s+)?"
    r"(?:file|table|data|spreadsheet|sheet|csv|excel|document)(?:\s+file)?)?"
)
_COLUMN: Final = r"[\w][\w %$€./&-]{0,60}?"
_FIGURE: Final = re.compile(
    rf"{_LEAD}({'|'.join(_FIGURES)})(?: value)?(?:\s+of)?(?:\s+(?:the|all))?\s+({_COLUMN})(?:\s+column)?"
    rf"(?:\s+(?:by|per|for each|grouped by|in each)\s+({_COLUMN}))?{_FILE}\s*[?.!]*",
    re.I,
)
_HOW_MANY: Final = re.compile(
    rf"{_LEAD}(?:how many|number of|count(?: the)?)\s+(?:rows|records|entries|lines)\b.*", re.I
)
_CHART: Final = re.compile(
    r"(?:(?:can|could|would) you )?(?:please )?(?:make|draw|create|plot|chart|graph|show(?: me)?|give me)?\s*"
    r"(?:me )?(?:an? |the )?"
    r"(?:(bar|line|pie|scatter)?\s*(?:chart|plot|graph|diagram)|(histogram|distribution))?"
    r"(?:\s*(?:of|for|with|showing))?(?:\s+the)?"
    rf"\s+({_COLUMN})(?:\s+(?:by|per|over|for each|against|vs\.?|versus)\s+(?:the\s+)?({_COLUMN}))?{_FILE}\s*[?.!]*",
    re.I,
)
_DRAWS: Final = re.compile(r"\b(?:plot|chart|graph|diagram|histogram|distribution)\b", re.I)
_SUMMARY: Final = re.compile(
    r"(?:(?:can|could|would) you )?(?:please )?(?:give me |show me )?(?:an? |the )?(?:short |quick |statistical )?"
    r"(?:describe|summari[sz]e|summary|overview|statistics|analy[sz]e|what(?:'s|’s| is)(?: in)?|what columns|columns)"
    r"(?: (?:of|about|are|in|does|is|it|this|that|these|the|my|our|attached|uploaded|file|data|dataset|set|table"
    r"|spreadsheet|sheet|csv|excel|have|contain|for me))*\s*[?.!]*",
    re.I,
)
_HEAD: Final = re.compile(r"\b(?:first|top|head)\b(?:\s+(\d{1,3}))?\s*(?:rows|lines|records|entries)?\b", re.I)
# Read by the sandbox, in front of each answer.
_LOOKUP: Final = '''import difflib, re
import pandas as pd

def read(name):
    if name.lower().endswith((".xlsx", ".xlsm")):
        return pd.read_excel(name)
    with open(name, encoding="utf-8-sig", errors="replace") as file:
        start = file.readline()
    mark = max("\\t;,|", key=start.count)
    # "1.234,5" is a number where fields are parted by semicolons.
    comma = {"decimal": ",", "thousands": "."} if mark == ";" else {}
    return pd.read_csv(name, sep=mark, encoding="utf-8-sig", encoding_errors="replace", **comma)

def plain(text):
    return re.sub(r"[^0-9a-z\\u00df-\\uffff]+", " ", str(text).lower()).strip()

def column(words):
    """The column that the words mean: its name, its name in plural, or the most alike."""
    names = {plain(each): each for each in table.columns}
    for form in (plain(words), plain(words).rstrip("s"), plain(words) + "s"):
        if form in names:
            return names[form]
    within = [each for each in names if plain(words).rstrip("s") in each or (each and each in plain(words))]
    alike = within or difflib.get_close_matches(plain(words), list(names), 1, 0.7)
    if not alike:
        raise SystemExit(f"There is no column {words!r}; the columns are {', '.join(map(str, table.columns))}.")
    return names[alike[0]]

def numbers(name):
    """The column as numbers: signs of money, percent and thousands are taken off."""
    if pd.api.types.is_numeric_dtype(table[name]):
        return table[name]
    text = table[name].astype(str).str.replace(r"[^0-9.eE+-]", "", regex=True)
    return pd.to_numeric(text, errors="coerce")

'''


def code_for_files(question: str, names: Sequence[str]) -> str | None:
    """Python that answers the question from the first attached table; None where no form fits or none is attached."""
    tables = [each for each in names if each.lower().endswith(_TABLES)]
    text = " ".join(question.split())
    if not tables or len(text) > 300:
        return None
    named = [each for each in tables if each.lower() in text.lower()]
    file = (named or tables)[0]
    text = re.sub(rf"\s*\b(?:in|of|from|for)\s+{re.escape(file)}", "", text, flags=re.I)
    body = _chart(text) if _DRAWS.search(text) else _rows(text) or _figure(text) or _summary(text)
    return f"{_LOOKUP}table = read({file!r})\n{body}" if body else None


def _figure(text: str) -> str | None:
    found = _FIGURE.fullmatch(text)
    if not found:
        return None
    figure, words, group = _FIGURES[found[1].lower()], found[2], found[3]
    if group:
        how = "count" if figure == "count" else figure
        return (
            f"name, group = column({words!r}), column({group!r})\n"
            f"values = table[name] if {how!r} == 'count' else numbers(name)\n"
            f"values.groupby(table[group]).{how}().rename(f'{how} of {{name}}').reset_index()"
        )
    if figure == "count":
        return f"print(int(table[column({words!r})].count()))"
    told = f"print(f'The {figure} of {{name}} is {{value:,.10g}}.')"
    return f"name = column({words!r})\nvalue = numbers(name).{figure}()\n{told}"


def _rows(text: str) -> str | None:
    if _HOW_MANY.fullmatch(text):
        return "print(f'{len(table)} rows')"
    found = _HEAD.search(text)
    if found and re.search(r"\b(?:rows?|lines|records|entries|head)\b", text, flags=re.I):
        return f"table.head({int(found[1] or 5)})"
    return None


def _chart(text: str) -> str | None:
    found = _CHART.fullmatch(text)
    if not found:
        return None
    kind = _CHARTS[(found[1] or found[2] or "bar").lower()]
    words, group = found[3], found[4]
    drawn = f"import matplotlib.pyplot as plt\nname = column({words!r})\n"
    if kind == "hist" or not group:
        how = "hist(bins=20)" if kind == "hist" else f"plot(kind={'bar' if kind == 'scatter' else kind!r})"
        return f"{drawn}numbers(name).{how}\nplt.title(str(name))\nplt.tight_layout()"
    drawn += f"group = column({group!r})\n"
    if kind == "scatter":
        return f"{drawn}plt.scatter(table[group], numbers(name))\nplt.xlabel(str(group))\nplt.ylabel(str(name))"
    return (
        f"{drawn}values = numbers(name).groupby(table[group], sort=False).sum()\nvalues.plot(kind={kind!r})\n"
        "plt.title(f'{name} by {group}')\nplt.tight_layout()\nvalues.reset_index()"
    )


def _summary(text: str) -> str | None:
    if not _SUMMARY.fullmatch(text):
        return None
    return (
        "print(f'{len(table)} rows, {len(table.columns)} columns: {\", \".join(map(str, table.columns))}')\n"
        "table.describe(include='all').T[lambda found: [each for each in "
        "('count', 'unique', 'top', 'mean', 'min', '50%', 'max') if each in found]]"
    )
