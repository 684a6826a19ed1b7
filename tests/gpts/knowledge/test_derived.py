"""Of answers that were written before the checks: what follows from the sources passes, what is made up does not."""

import tomllib
from pathlib import Path

import pytest

from gpts.knowledge.documents import Passage
from gpts.knowledge.judging import Known
from gpts.knowledge.sentences import sentence_spans
from gpts.knowledge.support import is_claim
from tests.gpts.knowledge.test_citations import Means

SOURCES = tomllib.loads(Path(__file__).with_name("derived.toml").read_text("utf-8"))["sources"]
KINDS = ("honest", "across", "inventions")
CASES = [(source, answer, kind) for source in SOURCES for kind in KINDS for answer in source.get(kind, ())]


class Translated(Means):
    """Compares texts of two languages."""

    def comparison(self, text, passage):
        return "translation"


def is_marked(source: dict[str, str], answer: str, kind: str) -> bool:
    texts = {"f": source["text"], "": source["question"]}
    passages = [
        Passage(
            file_id=file, file_name=source["name"] if file else "", segment="", chunk=0, text=text, start=0, end=9
        )
        for file, text in texts.items()
    ]
    judge = Known(passages, source["question"], Translated(0) if kind == "across" else None)
    sentences = [answer[span.start : span.end] for span in sentence_spans(answer)]
    checked = [each for each in sentences if is_claim(each) or each.endswith(":")]
    return any(judge.names_and_figures(each, answer) is None for each in checked)


def test_honest_answers_pass_and_inventions_do_not():
    wrong = [answer for source, answer, kind in CASES if kind != "inventions" and is_marked(source, answer, kind)]
    missed = [
        answer for source, answer, kind in CASES if kind == "inventions" and not is_marked(source, answer, kind)
    ]
    n_invented = sum(kind == "inventions" for _, _, kind in CASES)
    assert len(wrong) <= 0.03 * (len(CASES) - n_invented), wrong
    assert len(missed) <= 0.15 * n_invented, missed


@pytest.mark.parametrize(
    ("name", "answer", "formula"),
    [
        ("rail.md", "The rail is about 23.6 inches long.", "600 mm"),
        ("lease.md", "The lease ends on 30 June 2027.", "1 July 2025 + two years − 1 day"),
        ("alquiler.md", "About 11.8 % of the fleet is electric.", "4 ÷ 34"),
        ("lease.md", "The service charge comes to £912 a year.", "76 × 12"),
    ],
)
def test_what_follows_says_from_which_figures(name: str, answer: str, formula: str):
    (source,) = (each for each in SOURCES if each["name"] == name)
    passage = Passage(file_id="f", file_name=name, segment="", chunk=0, text=source["text"], start=0, end=9)
    (derivation,) = Known([passage]).names_and_figures(answer, answer)
    assert derivation.formula == formula
