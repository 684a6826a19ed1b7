"""Reading a retrieval collection: a BEIR-style folder of `corpus.jsonl`, `queries.jsonl` and judgements.

Such folders have many authors. What cannot be used is left out, counted and reported; only a folder without one of
its three parts is refused.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

# Files of judgements, in the order of preference.
_QRELS: Final = ("qrels.tsv", "qrels/test.tsv", "qrels/dev.tsv", "qrels/train.tsv")

# Relevance of documents, above 0, per query.
Judgements = Mapping[str, Mapping[str, int]]


class BadCollection(RuntimeError):
    """The folder lacks one of the three parts of a collection."""


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document of the corpus."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A folder's judged queries and its corpus, read on demand; `oddities` counts what was left out."""

    folder: Path
    queries: Mapping[str, str]
    judgements: Judgements
    oddities: Counter[str] = field(default_factory=Counter)

    def documents(self) -> Iterator[CorpusDocument]:
        """The documents, one at a time, except those without an id or text and those with a repeated id."""
        self.oddities.update(dict.fromkeys([name for name in self.oddities if name.startswith("documents")], 0))
        seen: set[str] = set()
        for row in _rows(self.folder / "corpus.jsonl", "documents", self.oddities):
            document = CorpusDocument(_id(row), _text(row, "title"), _text(row, "text"))
            if document.id in seen:
                self.oddities["documents with a repeated id"] += 1
            elif not document.text and not document.title:
                self.oddities["documents without text"] += 1
            else:
                seen.add(document.id)
                yield document

    def is_query(self, document: CorpusDocument) -> bool:
        """Whether the document is also a query, as in ArguAna, whose queries are texts of the corpus."""
        texts = (document.text, f"{document.title} {document.text}".strip())
        return self.queries.get(document.id, "") in texts


def packed(documents: Iterable[CorpusDocument], n_chars: int) -> Iterator[list[CorpusDocument]]:
    """`documents` in groups of at least `n_chars` characters, except the last."""
    group: list[CorpusDocument] = []
    size = 0
    for document in documents:
        group.append(document)
        size += len(document.title) + len(document.text)
        if size >= n_chars:
            yield group
            group, size = [], 0
    if group:
        yield group


def read_collection(folder: Path, limit: int | None = None) -> Collection:
    """The collection in `folder`, with its first `limit` judged queries. Raises BadCollection."""
    for name in ("corpus.jsonl", "queries.jsonl"):
        if not (folder / name).is_file():
            raise BadCollection(f"{folder} has no {name}: a BEIR-style folder is needed.")
    oddities: Counter[str] = Counter()
    judged = _judgements(_qrels_file(folder), oddities)
    queries = _queries(folder, judged, oddities)
    missing = sum(query not in queries for query in judged)
    if missing:
        oddities["judged queries without text in queries.jsonl"] = missing
    if not queries:
        raise BadCollection(f"{folder} has no query with a relevant document.")
    chosen = dict(list(queries.items())[:limit])
    return Collection(folder, chosen, {query: judged[query] for query in chosen}, oddities)


def _queries(folder: Path, judged: Judgements, oddities: Counter[str]) -> dict[str, str]:
    queries: dict[str, str] = {}
    for row in _rows(folder / "queries.jsonl", "queries", oddities):
        query, text = _id(row), _text(row, "text")
        if query in queries:
            oddities["queries with a repeated id"] += 1
        elif query in judged and text:
            queries[query] = text
        elif not text:
            oddities["queries without text"] += 1
    return queries


def _qrels_file(folder: Path) -> Path:
    known = [folder / name for name in _QRELS]
    others = sorted([*folder.glob("qrels*"), *folder.glob("qrels/*")])
    found = next((path for path in [*known, *others] if path.is_file()), None)
    if found is None:
        raise BadCollection(f"{folder} has neither qrels.tsv nor qrels/test.tsv, so no document is judged relevant.")
    return found


def _judgements(path: Path, oddities: Counter[str]) -> dict[str, dict[str, int]]:
    """The judgements in `path`: lines of query, document and score, or of TREC with a second column in between."""
    judged: dict[str, dict[str, int]] = {}
    for number, line in enumerate(path.read_text("utf-8-sig", errors="replace").splitlines()):
        columns = [each.strip() for each in (line.split("\t") if "\t" in line else line.split())]
        try:
            query, document, score = columns[0], columns[-2], float(columns[-1])
            if len(columns) not in (3, 4) or not query or not document:
                raise ValueError
        except (IndexError, ValueError):
            if line.strip() and number > 0:  # the first line may be a header
                oddities["unreadable judgements"] += 1
            continue
        if score > 0:
            judged.setdefault(query, {})[document] = max(1, int(score))
    return judged


def _rows(path: Path, kind: str, oddities: Counter[str]) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file that have an id."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                oddities[f"{kind} that are not JSON objects"] += 1
            elif not _id(row):
                oddities[f"{kind} without an id"] += 1
            else:
                yield row


def _id(row: Mapping[str, Any]) -> str:
    found = row.get("_id", row.get("id"))
    return "" if found is None else str(found).strip()


def _text(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    return found.replace("\r\n", "\n").strip() if isinstance(found, str) else ""
