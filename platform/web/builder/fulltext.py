"""The database's own full-text search over published GPTs: FTS5 in SQLite, a `tsvector` in PostgreSQL.

Both reduce words to English stems and rank by how rare and how prominent the words are. Rows are numbered like the
search entries; those of deleted GPTs are never joined to one, and go with their texts. The tables are made by a
migration and are no models: Django knows neither kind.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from django.db import connection

SQLITE: Final = (
    "CREATE VIRTUAL TABLE store_words USING fts5(name, description, rest, tokenize='porter unicode61')",
    "CREATE VIRTUAL TABLE store_terms USING fts5vocab(store_words, 'row')",
)
POSTGRESQL: Final = (
    "CREATE TABLE store_words (id bigint PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE INDEX store_words_gin ON store_words USING gin (words)",
)
DROP: Final = {
    "sqlite": ("DROP TABLE store_terms", "DROP TABLE store_words"),
    "postgresql": ("DROP TABLE store_words",),
}
CREATE: Final = {"sqlite": SQLITE, "postgresql": POSTGRESQL}

_PUT: Final = {
    "sqlite": "REPLACE INTO store_words (rowid, name, description, rest) VALUES (%s, %s, %s, %s)",
    "postgresql": "INSERT INTO store_words VALUES (%s, setweight(to_tsvector('english', %s), 'A') ||"
    " setweight(to_tsvector('english', %s), 'B') || setweight(to_tsvector('english', %s), 'C'))"
    " ON CONFLICT (id) DO UPDATE SET words = excluded.words",
}
_REMOVE: Final = {
    "sqlite": "DELETE FROM store_words WHERE rowid = %s",
    "postgresql": "DELETE FROM store_words WHERE id = %s",
}
_FIND: Final = {
    "sqlite": "SELECT rowid, -bm25(store_words, 4.0, 2.0, 1.0) AS score FROM store_words WHERE store_words MATCH %s"
    " ORDER BY score DESC LIMIT %s",
    # The order of the weights is D, C, B, A. PostgreSQL does not count how rare a word is.
    "postgresql": "SELECT id, ts_rank('{0, 0.25, 0.5, 1}', words, query) AS score FROM store_words,"
    " to_tsquery('english', %s) AS query WHERE words @@ query ORDER BY score DESC, id LIMIT %s",
}
_TERMS: Final = {
    "sqlite": "SELECT term FROM store_terms",
    "postgresql": "SELECT word FROM ts_stat('SELECT words FROM store_words')",
}


def put(rows: Sequence[tuple[int, str, str, str]]) -> None:
    """Keep the words of search entries, in place of earlier ones: id, name, description and the rest."""
    with connection.cursor() as cursor:
        cursor.executemany(_PUT[connection.vendor], rows)


def remove(ids: Sequence[int]) -> None:
    """Erase the words of these search entries; FTS5 keeps those of deleted rows until it merges."""
    with connection.cursor() as cursor:
        cursor.executemany(_REMOVE[connection.vendor], [(id,) for id in ids])
        if ids and connection.vendor == "sqlite":
            cursor.execute("INSERT INTO store_words(store_words) VALUES ('optimize')")


def find(terms: Sequence[str], most: int) -> dict[int, float]:
    """The search entries with any of `terms`, best first, at most `most`, with their scores above 0.

    A term is made of letters and digits; with a final "*" it stands for all words that begin so.
    """
    joined = {"sqlite": (" OR ", '"{}"'), "postgresql": (" | ", "'{}'")}[connection.vendor]
    separator, quoted = joined
    star = {"sqlite": "*", "postgresql": ":*"}[connection.vendor]
    parts = (quoted.format(term.rstrip("*")) + star * term.endswith("*") for term in terms)
    return dict(_rows(_FIND[connection.vendor], separator.join(parts), most))


def is_known(term: str) -> bool:
    """Whether any entry has the word."""
    return bool(find([term], 1))


@lru_cache(maxsize=2)
def known_terms(stamp: Any) -> list[str]:
    """The stems of all words. `stamp` changes with the entries."""
    return [term for (term,) in _rows(_TERMS[connection.vendor])]


def _rows(sql: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
