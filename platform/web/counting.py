"""Numbers of related rows, within one query."""

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce


def number_of(rows: "QuerySet[Any]", field: str, outer: str = "pk") -> Coalesce:
    """How many of `rows` have the `outer` of a row in their `field`, counted for the rows that are read only."""
    theirs = rows.filter(**{field: OuterRef(outer)}).order_by().values(field)
    return Coalesce(Subquery(theirs.annotate(n=Count("pk")).values("n")), 0)
