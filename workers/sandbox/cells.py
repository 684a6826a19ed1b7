"""Runs a piece of code like a notebook cell: shows the last expression, saves open figures, shortens errors."""

import ast
import functools
import importlib
import linecache
import re
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any, Final

from workers.sandbox import display

# Modules that code often forgets to import, by their usual names.
_USUAL: Final = {
    "np": "numpy",
    "pd": "pandas",
    "plt": "matplotlib.pyplot",
    **{each: each for each in ("math", "statistics", "json", "re", "random", "os", "datetime", "csv", "collections")},
}
_MAX_LINES: Final = 12
# The kinds of pictures that pages show; matplotlib makes the first of a name without one.
_SHOWN: Final = ("", ".png", ".jpg", ".jpeg", ".webp")
_n_cells = 0


def run(code: str, namespace: dict[str, Any]) -> dict[str, str]:
    """Run the code; "value" and "markdown" of its last expression, "error" (trimmed). Raises KeyboardInterrupt."""
    outcome: dict[str, str] = {}
    try:
        outcome |= display.shown(_run(_parsed(code), namespace))
    except KeyboardInterrupt:
        outcome["error"] = "KeyboardInterrupt"
    except SystemExit as leaving:
        if leaving.code not in (None, 0):
            outcome["error"] = leaving.code if isinstance(leaving.code, str) else f"SystemExit: {leaving.code}"
    except BaseException as error:  # noqa: BLE001  # whatever the code raises is its result
        outcome["error"] = _trimmed(error)
    try:
        _save_figures()
    except Exception as error:  # noqa: BLE001  # drawing happens on saving, and may fail like any code
        outcome.setdefault("error", _trimmed(error))
    return outcome


def _parsed(code: str) -> ast.Module:
    """The code without the Markdown fence and notebook commands that models add."""
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
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for missing in _USUAL.keys() & used - namespace.keys():
        namespace[missing] = importlib.import_module(_USUAL[missing])
    if any(isinstance(node, ast.Attribute) and node.attr == "savefig" for node in ast.walk(tree)):
        _note_saved_figures()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)  # noqa: S102  # running code is what this is for, confined
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), name, "eval"), namespace)  # noqa: S307  # as above
    return None


def _trimmed(error: BaseException) -> str:
    """The traceback without our own and the libraries' frames, at most twelve lines."""
    found = traceback.TracebackException.from_exception(error, compact=True)
    found.stack = traceback.StackSummary.from_list(
        [each for each in found.stack if each.filename.startswith("<code")]
    )
    lines = "".join(found.format(chain=False)).rstrip().splitlines()
    if len(lines) > _MAX_LINES:
        lines = [*lines[:4], "…", *lines[-_MAX_LINES + 5 :]]
    return "\n".join(line[:500] for line in lines)


def _note_saved_figures() -> None:
    """Let figures know that code saved them as a picture that will be kept, and that pages show."""
    figure = importlib.import_module("matplotlib.figure").Figure
    if hasattr(figure, "is_kept"):
        return
    figure.is_kept, save = False, figure.savefig

    @functools.wraps(save)
    def savefig(self: Any, fname: object, **options: Any) -> None:
        save(self, fname, **options)
        path = Path(fname).resolve() if isinstance(fname, str | Path) else None
        self.is_kept = bool(path and path.suffix in _SHOWN and path.is_relative_to(Path.cwd()))

    figure.savefig = savefig


def _save_figures() -> None:
    """Save each open figure that the code did not as a PNG in the session's folder, and close all."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for figure in map(pyplot.figure, pyplot.get_fignums()):
            if not getattr(figure, "is_kept", False):
                figure.savefig(_free_name(), dpi=110, bbox_inches="tight")
        pyplot.close("all")


def _free_name() -> str:
    number = 1
    while Path(name := f"chart-{number}.png").exists():
        number += 1
    return name
