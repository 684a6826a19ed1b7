"""Runs one piece of code as a notebook would: the last expression is shown, open figures are saved, errors short."""

import ast
import importlib
import linecache
import re
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any, Final

from workers.sandbox import display

# Names that are so usual that code often forgets to import them.
USUAL: Final = {
    "np": "numpy",
    "pd": "pandas",
    "plt": "matplotlib.pyplot",
    **{each: each for each in ("math", "statistics", "json", "re", "random", "os", "datetime", "csv", "collections")},
}
_MAX_LINES: Final = 12
_n_cells = 0


def run(code: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """What came of the code: "value" and "markdown" of its last expression, "error" (trimmed), "figures" (names).

    Raises KeyboardInterrupt only.
    """
    outcome: dict[str, Any] = {}
    try:
        value = _run(_parsed(code), namespace)
        outcome |= display.shown(value)
    except KeyboardInterrupt:
        outcome["error"] = "KeyboardInterrupt"
    except SystemExit as leaving:
        if leaving.code not in (None, 0):
            outcome["error"] = leaving.code if isinstance(leaving.code, str) else f"SystemExit: {leaving.code}"
    except BaseException as error:  # noqa: BLE001  # whatever the code raises is its result
        outcome["error"] = _told(error)
    try:
        outcome["figures"] = _save_figures()
    except Exception as error:  # noqa: BLE001  # drawing happens on saving, and may fail as any code
        outcome.setdefault("error", _told(error))
    return outcome


def _parsed(code: str) -> ast.Module:
    """The code, without the fence, prompts and notebook commands that models like to write around it."""
    global _n_cells
    _n_cells += 1
    fenced = re.fullmatch(r"\s*```[\w+-]*\n(.*?)\n?```\s*", code, flags=re.S)
    code = fenced[1] if fenced else code
    name = f"<code {_n_cells}>"
    try:
        tree = ast.parse(code, name)
    except SyntaxError:
        without = re.sub(r"^[ \t]*[%!].*$", "pass", code, flags=re.M)
        if without == code:
            raise
        code, tree = without, ast.parse(without, name)
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    return tree


def _run(tree: ast.Module, namespace: dict[str, Any]) -> object:
    """Run all statements; the value of the last one if it is an expression."""
    name = f"<code {_n_cells}>"
    _import_usual(tree, namespace)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)  # noqa: S102  # running code is what this is for, behind the walls
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), name, "eval"), namespace)  # noqa: S307  # as above
    return None


def _import_usual(tree: ast.Module, namespace: dict[str, Any]) -> None:
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name in USUAL.keys() & used - namespace.keys():
        namespace[name] = importlib.import_module(USUAL[name])


def _told(error: BaseException) -> str:
    """The traceback without our own and the libraries' frames, at most twelve lines."""
    told = traceback.TracebackException.from_exception(error, compact=True)
    told.stack = traceback.StackSummary.from_list([each for each in told.stack if each.filename.startswith("<code")])
    lines = "".join(told.format(chain=False)).rstrip().splitlines()
    if len(lines) > _MAX_LINES:
        lines = [*lines[:4], "…", *lines[-_MAX_LINES + 5 :]]
    return "\n".join(line[:500] for line in lines)


def _save_figures() -> list[str]:
    """Save each figure that was left open as a PNG in the session's folder and close it; their names."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    names = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in pyplot.get_fignums():
            names.append(name := _free_name())
            pyplot.figure(number).savefig(name, dpi=110, bbox_inches="tight")
        pyplot.close("all")
    return names


def _free_name() -> str:
    number = 1
    while Path(name := f"chart-{number}.png").exists():
        number += 1
    return name
