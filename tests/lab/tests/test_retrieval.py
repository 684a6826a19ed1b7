"""The retrieval benchmark reads collections as they come and measures what the index really ranks."""

import json
from pathlib import Path

import pytest

from gpts.knowledge.terms import terms
from tests.lab import retrieval
from tests.lab.collection import BadCollection, read_collection
from tests.lab.measures import ndcg, quality, recall, reciprocal_rank
from tests.workers.knowledge.conftest import WordEmbedder
from tests.workers.made_services import made_services
from workers.knowledge import segments
from workers.knowledge.lexical import best

CORPUS = [
    {"_id": "pump", "title": "Pump", "text": "The filter part number is ZP-771."},
    {"_id": "leave", "title": "", "text": "Every employee has 28 days of paid leave a year."},
    {"_id": "bread", "title": "Bread", "text": "Feed the sourdough starter once a week."},
]
QUERIES = [
    {"_id": "q1", "text": "How many days of paid leave?"},
    {"_id": "q2", "text": "Which filter part number?"},
    {"_id": "unjudged", "text": "What is the weather?"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\tleave\t1\nq2\tpump\t2\nq2\tbread\t0\n"


def lines(rows: list[object]) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus.jsonl").write_text(lines(CORPUS))
    (tmp_path / "queries.jsonl").write_text(lines(QUERIES))
    (tmp_path / "qrels.tsv").write_text(QRELS)
    return tmp_path


def test_measures_agree_with_a_computation_by_hand() -> None:
    ranking, relevant = ["a", "x", "b", "y"], {"a": 1, "b": 2, "c": 1}
    # Gains 1 + 2/2 against the best order 2 + 1/log2(3) + 1/2.
    assert ndcg(ranking, relevant) == pytest.approx(2.0 / 3.1309297535714573)
    assert recall(ranking, relevant) == pytest.approx(2 / 3)
    assert reciprocal_rank(["x", "a"], relevant) == 0.5
    assert reciprocal_rank(["x"], relevant) == 0.0


def test_only_the_first_ten_count_and_a_query_without_answers_counts_as_nothing() -> None:
    late = [f"x{n}" for n in range(10)] + ["a"]
    found = quality({"q1": late}, {"q1": {"a": 1}, "q2": {"b": 1}})
    assert (found.ndcg_10, found.recall_10, found.mrr_10) == (0.0, 0.0, 0.0)
    assert found.mrr == pytest.approx(1 / 11 / 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("qrels.tsv", QRELS),
        ("qrels.tsv", QRELS.split("\n", 1)[1]),
        ("qrels/test.tsv", QRELS),
        ("qrels/test.tsv", "q1 0 leave 1\nq2 0 pump 2\n"),
        ("qrels.tsv", "﻿" + QRELS.replace("\n", "\r\n")),
    ],
    ids=["header", "no header", "in a folder", "TREC", "byte order mark and CRLF"],
)
def test_judgements_are_read_in_each_form(folder: Path, name: str, text: str) -> None:
    (folder / "qrels.tsv").unlink()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(text.encode())
    collection = read_collection(folder)
    assert collection.judgements == {"q1": {"leave": 1}, "q2": {"pump": 2}}
    assert dict(collection.queries) == {"q1": QUERIES[0]["text"], "q2": QUERIES[1]["text"]}


def test_what_cannot_be_used_is_left_out_and_told(folder: Path) -> None:
    odd = [
        *CORPUS,
        CORPUS[0],
        {"title": "no id"},
        {"_id": "empty", "text": " "},
        "{broken",
        "[1]",
        {"_id": 7, "text": "x"},
    ]
    (folder / "corpus.jsonl").write_bytes("﻿".encode() + lines(odd).replace("\n", "\r\n").encode())
    (folder / "queries.jsonl").write_text(lines([*QUERIES, {"_id": "q3", "text": ""}, QUERIES[0]]))
    (folder / "qrels.tsv").write_text(QRELS + "q3\tpump\t1\nq2\tpump\nq1\tgone\t1\n")
    collection = read_collection(folder)
    assert [document.id for document in collection.documents()] == ["pump", "leave", "bread", "7"]
    assert {name: n for name, n in collection.oddities.items() if n} == {
        "documents with a repeated id": 1,
        "documents without an id": 1,
        "documents without text": 1,
        "documents that are not JSON objects": 2,
        "queries with a repeated id": 1,
        "queries without text": 1,
        "judged queries without text in queries.jsonl": 1,
        "unreadable judgements": 1,
    }


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_folder_without_a_part_is_refused_by_name(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(BadCollection, match=missing):
        read_collection(folder)


@pytest.fixture
def measured(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the benchmark on the folder with the stand-in embedder."""
    embedder = WordEmbedder()
    monkeypatch.setattr(retrieval, "shared_embedder", lambda setting, threads, home: embedder)

    def run(**options: object) -> dict[str, object]:
        said: list[str] = []
        default = {"folder": folder, "limit": None, "home": None, "contexts": False, "expand": False}
        found = retrieval.report({**default, **options}, said.append)
        return {**found, "said": said}

    return run


def test_every_arm_finds_the_documents_through_segments_on_disk(measured, folder: Path) -> None:
    found = measured(home=folder / "home")
    assert (found["documents"], found["queries"]) == (3, 2)
    assert set(found["arms"]) == {"dense", "BM25", "hybrid"}
    assert all(arm["ndcg_10"] == 1.0 and arm["recall_10"] == 1.0 for arm in found["arms"].values())
    assert len(list((folder / "home" / "segments").iterdir())) == 1


def test_an_index_that_is_there_is_used_again(measured, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measured(home=folder / "home")
    monkeypatch.setattr(WordEmbedder, "encode", lambda self, texts: pytest.fail("embedded again"))
    monkeypatch.setattr(WordEmbedder, "encode_query", lambda self, text: self._vector(text)[None])
    assert measured(home=folder / "home")["arms"]["BM25"]["mrr"] == first["arms"]["BM25"]["mrr"]


def test_a_corpus_of_several_parts_gives_the_same_documents(measured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "PACK_CHARS", 10)
    found = measured()
    assert found["arms"]["hybrid"]["ndcg_10"] == 1.0
    assert any("3 documents" in line for line in found["said"])


def test_a_document_that_is_the_query_itself_is_no_answer(measured, folder: Path) -> None:
    twin = {"_id": "leave", "text": CORPUS[1]["text"]}
    (folder / "corpus.jsonl").write_text(lines([*CORPUS, {"_id": "reply", "text": "Paid leave is 28 days a year."}]))
    (folder / "queries.jsonl").write_text(lines([twin]))
    (folder / "qrels.tsv").write_text("leave\treply\t1\n")
    assert measured()["arms"]["hybrid"]["mrr"] == 1.0


def test_limit_asks_the_first_queries_only(measured) -> None:
    assert measured(limit=1)["queries"] == 1


def test_a_reranker_adds_an_arm(measured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "reranker_for", lambda setting: lambda question, texts: [0.5] * len(texts))
    assert measured()["arms"]["reranked"]["ndcg_10"] == 1.0


def test_what_a_model_writes_adds_an_arm_each_and_lines_are_written_once(
    measured, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    its = made_services(lambda messages: f"Kwaito {messages[-1].content}", None, None)
    monkeypatch.setattr(retrieval, "services", lambda: its)
    arms = measured(contexts=True, expand=True, home=folder / "home")["arms"]
    assert {arms[name]["ndcg_10"] for name in ("expanded", "with contexts")} == {1.0}
    assert sorted(len(request.messages) for request in its.engine.requests) == [2, 2, 2, 4, 4]
    twin = max((folder / "home" / "segments").iterdir(), key=lambda path: path.stat().st_mtime)
    segment = segments.load(folder / "home", twin.name)
    assert len(best(terms("Kwaito"), [segment.postings], 9)) == segment.info.n_chunks == 3
    measured(contexts=True, home=folder / "home")
    assert len(its.engine.requests) == 5
