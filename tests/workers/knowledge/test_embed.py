"""The real bundled embedder."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from workers.knowledge.embed import Embedder, EmbedderMissing, load_model, shared_embedder

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return shared_embedder()


def test_vectors_have_length_one_and_near_texts_are_near(embedder) -> None:
    vectors = embedder.encode(["How do I change the filter?", "Replacing the filter.", "The capital of France."])
    assert vectors.shape == (3, embedder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-3)
    assert vectors[0] @ vectors[1] > 0.5 > 0.3 > vectors[0] @ vectors[2]


def test_the_end_of_a_long_text_counts(embedder) -> None:
    filler = "Gardens need water. " * 150
    query, without, with_end = embedder.encode(["volcano eruption", filler, filler + "A volcano erupted. " * 40])
    assert query @ with_end > query @ without + 0.1


def test_tokens_are_counted_beyond_the_models_window(embedder) -> None:
    assert embedder.count_tokens(["word " * 1_000, ""]) == [1_000, 0]


def test_a_query_is_encoded_once(embedder) -> None:
    assert embedder.encode_query("filter") is embedder.encode_query("filter")


def test_questions_and_passages_are_read_behind_the_models_own_prompts(embedder, tmp_path) -> None:
    for path in embedder.folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    config = tmp_path / "config_sentence_transformers.json"
    config.unlink()
    config.write_text(json.dumps({"prompts": {"query": "query: ", "passage": "passage: "}}))
    prompted = Embedder(str(tmp_path))
    for prefix, vector in (("query", prompted.encode_query("filter")), ("passage", prompted.encode(["filter"]))):
        np.testing.assert_allclose(vector, embedder.encode([f"{prefix}: filter"]), atol=1e-2)
    assert prompted.id != embedder.id


def test_a_model_may_end_in_shorter_vectors_than_its_transformer_makes(embedder, tmp_path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    model = SentenceTransformer(str(embedder.folder), device="cpu")
    SentenceTransformer(modules=[*model, Dense(embedder.dim, 64)]).save(str(tmp_path))
    short = Embedder(str(tmp_path))
    assert short.encode(["filter"]).shape == (1, short.dim) == (1, 64)


def test_pieces_are_long_where_the_model_reads_well(embedder) -> None:
    english = embedder.letters_per_token("Which university did the president attend?")
    german = embedder.letters_per_token("Welche Universität besuchte der Bundespräsident?")
    thai, chinese = (embedder.letters_per_token(text) for text in ("มหาวิทยาลัยแห่งไหน", "总统上过哪所大学？"))
    assert english > 4 > german > 1.5 > max(thai, chinese)
    assert embedder.letters_per_token("1998?") > 3


def test_no_texts_give_no_vectors(embedder) -> None:
    assert embedder.encode([]).shape == (0, embedder.dim)


def test_a_wrong_folder_is_a_clear_error(tmp_path) -> None:
    with pytest.raises(EmbedderMissing, match="EMBEDDER"):
        Embedder(str(tmp_path))


def test_importing_the_index_loads_neither_torch_nor_transformers() -> None:
    program = "import sys, workers.knowledge.index, workers.knowledge.pipeline; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_one_embedder_is_loaded_at_a_time(monkeypatch) -> None:
    inside, at_once = [], []

    class Slow:
        def __init__(self, *given: object, **options: object) -> None:
            inside.append(self)
            at_once.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    monkeypatch.setattr("sentence_transformers.SentenceTransformer", Slow)
    threads = [threading.Thread(target=load_model, args=(Path("model"), None)) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert at_once == [1, 1, 1]


def test_numpy_has_one_thread_beside_those_of_the_model(embedder) -> None:
    embedder.encode(["A pump."])
    libraries = ThreadpoolController().select(prefix="libscipy_openblas").info()
    assert {each["num_threads"] for each in libraries} == {1}


def test_idleness_counts_from_the_last_use() -> None:
    fresh = Embedder()
    assert fresh.idle_s() is None
    fresh.encode(["A pump."])
    assert 0 < fresh.idle_s() < 60


def test_texts_that_another_thread_drops_meanwhile_are_compared_all_the_same(monkeypatch) -> None:
    fresh = Embedder()
    once = fresh.similarity(["A pump."], ["A pump.", "A tyre."])
    encode = fresh.encode

    def encode_while_others_work(texts: list[str]) -> np.ndarray:
        if "A wheel." in texts:
            fresh._passages.clear()
        return encode(texts)

    monkeypatch.setattr(fresh, "encode", encode_while_others_work)
    again = fresh.similarity(["A pump."], ["A pump.", "A wheel.", "A tyre."])
    np.testing.assert_allclose([again[0][0], again[0][2]], once[0], atol=1e-3)
