"""A cross-encoder of one's own re-orders what was found; without one nothing changes."""

from pathlib import Path

import pytest

from gpts.knowledge.documents import Block, Document
from gpts.spec.gpt import KnowledgeRef
from workers.knowledge import segments
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.pipeline import content_of, recipe_for
from workers.knowledge.rerank import RerankerMissing, reranker_for

TEXTS = ("The pump has a blue handle.", "The pump has a red handle.", "The pump has a green handle.")


@pytest.fixture
def refs(tmp_path, embedder) -> list[KnowledgeRef]:
    """One file for each text."""
    found = []
    for number, text in enumerate(TEXTS):
        content = content_of([Document(title="", blocks=(Block(text=text),))], embedder)
        info = segments.write(tmp_path, recipe_for(f"{number:064}", embedder), content)
        found.append(KnowledgeRef(file_id=str(number), name=f"{number}.txt", segment=info.address))
    return found


def test_the_best_judged_passage_comes_first(tmp_path, embedder, refs) -> None:
    asked: list[str] = []

    def judge(question: str, texts: list[str]) -> list[float]:
        asked.append(question)
        return [0.9 if "green" in text else 0.1 for text in texts]

    ranked, _ = KnowledgeIndex(tmp_path, embedder, reranker=judge).rank(refs, "blue pump handle")
    plain, _ = KnowledgeIndex(tmp_path, embedder).rank(refs, "blue pump handle")
    assert plain[0].text == TEXTS[0]
    assert ranked[0].text == TEXTS[2]
    assert asked == ["blue pump handle"]


def test_no_setting_is_no_reranker() -> None:
    assert reranker_for("") is None


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RerankerMissing, match="RERANKER"):
        reranker_for(str(tmp_path / "nothing"))


@pytest.mark.model
def test_a_cross_encoder_folder_scores_between_0_and_1(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "pump", "handle", "blue"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path / "plain")
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "plain")
    CrossEncoder(str(tmp_path / "plain"), device="cpu").save_pretrained(str(tmp_path / "encoder"))
    rerank = reranker_for(str(tmp_path / "encoder"))
    assert rerank is not None
    scores = rerank("blue handle", ["pump handle", "pump"])
    assert len(scores) == 2
    assert all(0 < score < 1 for score in scores)
    assert rerank("blue handle", []) == []
