"""Queries that are put together once, for those that every answer needs.

Django takes ten times as long to put a query together as the database to answer it. The function that describes one
gets placeholders instead of values, so nothing about its form depends on them: the time is a parameter like any
other, and none is a list, nor None where it is compared.
"""

import inspect
from collections.abc import Callable
from copy import copy
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import Expression, Field, QuerySet
from django.db.models.sql import UpdateQuery

T = TypeVar("T")


class _Placeholder(Expression):
    """The place of a parameter in a query; `compared` is the field that it is compared with, where that is known."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.compared: Any = None

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class _Statement(NamedTuple):
    """A query for one kind of database, with placeholders among its parameters."""

    compiler: Any
    sql: str
    params: tuple[Any, ...]
    converters: Any

    def filled(self, given: dict[str, Any]) -> list[Any]:
        """The parameters as the database takes them."""
        return [_adapted(given[each.name], each) if isinstance(each, _Placeholder) else each for each in self.params]


def _adapted(value: Any, place: _Placeholder) -> Any:
    if place.compared is not None:
        return place.compared.get_db_prep_value(value, connection)
    match value:
        case UUID():
            return value if connection.features.has_native_uuid_field else value.hex
        case datetime():
            return connection.ops.adapt_datetimefield_value(value)
        case date():
            return connection.ops.adapt_datefield_value(value)
        case _:
            return value


class _Prepared:
    """A query that is kept by kind of database: of tests, of this site."""

    def __init__(self, describe: Callable[..., Any]) -> None:
        self._describe = describe
        self._names = tuple(inspect.signature(describe).parameters)
        self._kept: dict[str, _Statement] = {}

    def _ready(self, given: tuple[Any, ...]) -> tuple[_Statement, list[Any]]:
        """The statement and its parameters."""
        if connection.vendor not in self._kept:
            compiler = self._compiler(self._describe(*map(_Placeholder, self._names)))
            for leaf in compiler.query.where.leaves():
                if isinstance(getattr(leaf, "rhs", None), _Placeholder):
                    field = leaf.lhs.output_field
                    leaf.rhs.compared = field if isinstance(field, Field) else field.target_field  # of a relation
            sql, params = compiler.as_sql()
            converters = compiler.get_converters([each[0] for each in compiler.select or ()])
            self._kept[connection.vendor] = _Statement(compiler, sql, tuple(params), converters)
        statement = self._kept[connection.vendor]
        return statement, statement.filled(dict(zip(self._names, given, strict=True)))

    def _compiler(self, described: Any) -> Any:
        raise NotImplementedError


class Rows(_Prepared, Generic[T]):
    """What a queryset yields, whose description gets the parameters of each call in their order."""

    def __init__(self, describe: Callable[..., "QuerySet[Any, T]"]) -> None:
        super().__init__(describe)

    def _compiler(self, described: "QuerySet[Any, T]") -> Any:
        self._described = described
        return described.query.get_compiler(DEFAULT_DB_ALIAS)

    def __call__(self, *given: Any) -> list[T]:
        """The rows."""
        statement, params = self._ready(given)
        compiler = copy(statement.compiler)
        compiler.connection = transaction.get_connection()
        compiler.as_sql = lambda *_, **__: (statement.sql, params)
        compiler.get_converters = lambda *_: statement.converters
        query = SimpleNamespace(get_compiler=lambda *_, **__: compiler)
        facts = {"model": self._described.model, "db": DEFAULT_DB_ALIAS, "_known_related_objects": {}}
        rows: Any = self._described._iterable_class(cast(Any, SimpleNamespace(query=query, **facts)))
        return list(rows)

    def first(self, *given: Any) -> T | None:
        """The first row; None if there is none."""
        return next(iter(self(*given)), None)


class Change(_Prepared):
    """An UPDATE: its description returns a queryset, and what it sets."""

    def _compiler(self, described: tuple["QuerySet[Any]", dict[str, Any]]) -> Any:
        queryset, values = described
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(values)
        return query.get_compiler(DEFAULT_DB_ALIAS)

    def __call__(self, *given: Any) -> int:
        """How many rows were changed."""
        statement, params = self._ready(given)
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), connection.cursor() as cursor:
            cursor.execute(statement.sql, params)
            return cursor.rowcount
