"""Lists of resources: which rows a filter finds, and a page of them.

Filters are what directories look rows up with: comparisons with `eq`, joined by `and`. Others are refused, because
they would read all rows.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db.models import Model, Q, QuerySet
from scim2_models import Context, InvalidFilterException, ListResponse, NotFoundException, SearchRequest
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from web.scim import values
from web.scim.resources import DEFAULT_COUNT, MOST_COUNT

Columns = Mapping[str, Callable[[str], Q]]
_FURTHEST: Final = 10**9
NOTHING: Final = Q(pk__in=())


def by_key(sent: str, column: str = "pk") -> Q:
    """The rows with this key."""
    try:
        return Q(**{column: values.row_key(sent)})
    except NotFoundException:
        return NOTHING


def listed(
    search: SearchRequest[Any], rows: QuerySet[Any], columns: Columns, shown: Callable[[Any], Any], model: Any
) -> dict[str, Any]:
    """A page of the rows that the filter finds. Raises InvalidFilterException."""
    if search.filter is not None:
        rows = rows.filter(_where(search.filter.ast, columns))
    start = min(search.start_index_0 or 0, _FURTHEST)
    count = min(DEFAULT_COUNT if search.count is None else search.count, MOST_COUNT)
    page: list[Model] = list(rows.order_by("pk")[start : start + count])
    response = ListResponse[model](
        total_results=rows.count(),
        start_index=start + 1,
        items_per_page=len(page),
        resources=[shown(row) for row in page],
    )
    return response.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=search)


def _where(node: FilterNode, columns: Columns) -> Q:
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        found = Q()
        for term in node.terms:
            found &= _where(term, columns)
        return found
    if isinstance(node, Comparison) and node.op == CompareOperator.eq and isinstance(node.value, str):
        sub = f".{node.attr_path.sub_attr}" if node.attr_path.sub_attr else ""
        column = columns.get(f"{node.attr_path.attr}{sub}".lower())
        if column is not None:
            return column(node.value) if node.value.isprintable() else NOTHING
    raise InvalidFilterException(
        detail=f"Filter with “eq” and “and” by {', '.join(sorted(columns))}, such as userName eq “ann@example.org”."
    )
