"""Every pattern of the code: those that modules hold, and those written where they are used."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

REPOSITORY = Path(__file__).parents[2]
ROOTS = {"gpts": "gpts", "workers": "workers", "platform/web": "web"}
# How the functions of `re` are called, with the place of their flags.
_FLAGS_AT = {"compile": 1, "search": 2, "match": 2, "fullmatch": 2, "findall": 2, "finditer": 2, "split": 3}
_FLAGS_AT |= {"sub": 4, "subn": 4}
_SEARCHES = frozenset({"finditer", "sub", "subn", "split"})


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern, the module and the variable or function that has it, and the methods called of it."""

    name: str
    pattern: re.Pattern[Any]
    uses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Source:
    """The patterns of a module, and the functions that make others when they run."""

    found: tuple[Found, ...]
    makers: frozenset[str]


@cache
def modules() -> dict[str, Path]:
    """The files that use `re`, by the name of their module."""
    found = {}
    for folder, package in ROOTS.items():
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if "migrations" not in path.parts and re.search(r"\bre\b", path.read_text("utf-8")):
                parts = [package, *path.relative_to(REPOSITORY / folder).with_suffix("").parts]
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def source(name: str) -> Source:
    """Imports the module and looks through it."""
    module, tree = importlib.import_module(name), ast.parse(modules()[name].read_text("utf-8"))
    held = {variable: tuple(_inside(value)) for variable, value in vars(module).items()}
    found = [
        Found(f"{name}:{variable}", pattern, _uses_of(variable, tree))
        for variable, patterns in held.items()
        for pattern in patterns
    ]
    makers = set[str]()
    for call, owner in _calls(tree):
        if pattern := _evaluated(call, module):
            method = call.func.attr  # type: ignore[attr-defined]
            if method != "compile" or not held.get(owner):
                found.append(Found(f"{name}:{owner}", pattern, frozenset({method} - {"compile"})))
        elif not held.get(owner):
            makers.add(f"{name}:{owner}")
    return Source(tuple(found), frozenset(makers))


def _inside(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """The patterns in collections and in dataclasses of collections."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, dict | list | tuple | set | frozenset):
        for each in [*value.keys(), *value.values()] if isinstance(value, dict) else value:
            yield from _inside(each, depth + 1)
    elif depth < 4 and is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _inside(getattr(value, field.name), depth + 1)


def _uses_of(variable: str, tree: ast.Module) -> frozenset[str]:
    """The methods called of a variable, in any module that may import it; none where it is in a collection."""
    texts = [ast.unparse(tree)] if variable.startswith("_") else list(_texts())
    called = re.compile(rf"\b{variable}\.(\w+)")
    return frozenset(use for text in texts for use in called.findall(text)) & _FLAGS_AT.keys()


@cache
def _texts() -> tuple[str, ...]:
    return tuple(path.read_text("utf-8") for path in modules().values())


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """The calls of `re`, each with the function, or the variable of the module, that it is in."""
    for statement in tree.body:
        for owner, part in _parts(statement):
            for node in ast.walk(part):
                called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
                if isinstance(node, ast.Call) and called.startswith("re.") and called[3:] in _FLAGS_AT:
                    yield node, owner


def _parts(statement: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(statement, ast.ClassDef):
        for inner in statement.body:
            yield from _parts(inner)
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name, statement
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        first = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        target = first.elts[0] if isinstance(first, ast.Tuple) else first
        yield ast.unparse(target), statement
    else:
        yield "", statement


def _evaluated(call: ast.Call, module: ModuleType) -> re.Pattern[Any] | None:
    """The pattern of a call, if it needs nothing but names of the module."""
    place = _FLAGS_AT[call.func.attr]  # type: ignore[attr-defined]
    flags = [*call.args[place : place + 1], *(each.value for each in call.keywords if each.arg == "flags")]
    expression = ast.Expression(ast.Tuple([call.args[0], *flags], ast.Load()))
    try:
        pattern, *given = eval(compile(ast.fix_missing_locations(expression), "", "eval"), vars(module))
    except NameError:
        return None
    return pattern if isinstance(pattern, re.Pattern) else re.compile(pattern, *given)


def uses(found: Found) -> frozenset[str]:
    """The ways to try a pattern: those in which it is used, or all if that is unknown."""
    known = frozenset("findall" if use in _SEARCHES else use for use in found.uses) or {"findall", "fullmatch"}
    return frozenset(known - {"search"} if "findall" in known else known)
