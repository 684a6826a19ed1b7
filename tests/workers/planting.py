"""Rows with a marker in every text: of each table that belongs to a row by foreign keys, also those added later."""

import itertools
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.db import models
from django.utils import timezone

# What machines write and compare: digests, ids, tokens and names of tools. The rows of a deleted chat keep them.
NO_WORDS = {
    *(
        "key",
        "body",
        "lease",
        "request",
        "queue",
        "call_id",
        "tool",
        "digest",
        "source",
        "source_id",
        "hash",
        "prefix",
    ),
    *("sha256", "segment", "token", "view", "mime", "embedder", "owner_kind", "binding", "session_key"),
}
_numbers = itertools.count()


def belonging(root: type[models.Model]) -> list[type[models.Model]]:
    """The tables whose rows are deleted with one of `root`, and it, by their order of creation."""
    found = [root]
    for owner in found:
        for relation in owner._meta.get_fields(include_hidden=True):
            if not isinstance(relation, models.ManyToOneRel) or relation.on_delete is not models.CASCADE:
                continue
            if relation.related_model not in found and not relation.related_model._meta.auto_created:
                found.append(relation.related_model)
    return found


class Planter:
    """Makes one row of each table, with `marker` in its texts. `rows` are those that are there, by table."""

    def __init__(self, marker: str, rows: dict[type[models.Model], Any], facts: dict[str, dict[str, Any]]) -> None:
        self.marker, self.rows, self._facts = marker, dict(rows), facts

    def plant(self, model: type[models.Model]) -> Any:
        """The row of the table, made if it is not there."""
        if model not in self.rows and (known := self._known(model)):
            self.rows[model] = known
        if model not in self.rows:
            own = self._facts.get(model.__name__, {})
            values = {
                field.name: self._value(field)
                for field in model._meta.concrete_fields
                if field.name not in own and not isinstance(field, models.AutoField)
            }
            row = model(**{name: value for name, value in values.items() if value is not None}, **own)
            self.rows[model] = row
            models.Model.save_base(row, raw=True, force_insert=True)
        return self.rows[model]

    def _known(self, model: type[models.Model]) -> Any:
        """The row that is there, where there can be only one."""
        for field in model._meta.concrete_fields:
            if field.one_to_one and field.remote_field.model in self.rows:
                return model._base_manager.filter(**{field.name: self.rows[field.remote_field.model]}).first()
        return None

    def _value(self, field: Any) -> Any:
        if field.is_relation:
            needed = not field.null or field.remote_field.on_delete is models.CASCADE
            wanted = field.remote_field.model
            return self.plant(wanted) if needed and (not field.null or wanted in self.rows) else None
        if field.primary_key or (field.has_default() and not isinstance(field, models.JSONField)):
            return field.get_default()
        match field:
            case models.JSONField():
                return {self.marker: [self.marker]}
            case models.GenericIPAddressField():
                return "127.0.0.1"
            case models.BinaryField():
                return self.marker.encode()
            case models.CharField() | models.TextField() | models.FileField():
                if field.choices:
                    return field.choices[0][0]
                text = "x" if field.name in NO_WORDS or (field.max_length or 99) < 12 else self.marker
                return f"{text}{next(_numbers)}" if field.unique or field.name in NO_WORDS else text
            case models.DateTimeField():
                return None if field.null else timezone.now()
            case models.DateField():
                return None if field.null else timezone.now().date()
            case models.BooleanField():
                return False
            case models.UUIDField():
                return None if field.null else uuid4()
            case _:
                return None if field.null else 1


def all_texts() -> Iterator[tuple[str, str]]:
    """Every row of every table of the site as text, with the table's name."""
    for model in apps.get_models(include_auto_created=True):
        for row in model._base_manager.values_list():
            yield (
                model.__name__,
                repr(tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)),
            )
