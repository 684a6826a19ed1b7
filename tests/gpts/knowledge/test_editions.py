"""Of equal sentences in two editions, an answer cites those of its own edition."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpts.knowledge.citations import ground
from gpts.knowledge.documents import Citation, Passage

PAIRS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("editions.toml").read_text("utf-8"))["pair"]


@dataclass
class Counts:
    """Citations, wrong ones, sentences that need one, those that have one, and those that lack one of several."""

    citations: int = 0
    wrong: int = 0
    sentences: int = 0
    cited: int = 0
    incomplete: int = 0


def whole(name: str, text: str) -> Passage:
    """A file that was read whole, its headings without their marks."""
    breaks: list[tuple[int, str]] = []
    plain = ""
    for line in text.strip().splitlines():
        title = line.lstrip("# ")
        if line.startswith("#"):
            above = breaks[-1][1] if breaks and line.startswith("##") else ""
            plain += "\n\n" if plain else ""
            breaks.append((len(plain), " > ".join(filter(None, (above, title)))))
            plain += f"{title}\n\n"
        else:
            plain += title if plain.endswith("\n") or not plain else f"\n{title}"
    return Passage(
        file_id=name,
        file_name=name,
        segment=name,
        chunk=0,
        text=plain,
        start=0,
        end=len(plain),
        heading=breaks[0][1] if breaks else "",
        heading_breaks=tuple(breaks),
    )


def sections(file: Passage) -> Iterator[Passage]:
    """The file in passages as a search finds them: one for each heading."""
    starts = [start for start, _ in file.heading_breaks]
    for n, (start, end) in enumerate(zip(starts, [*starts[1:], file.end], strict=True)):
        changed = {"text": file.text[start:end].rstrip(), "start": start, "chunk": n}
        end = start + len(changed["text"])
        yield file.model_copy(update=changed | {"end": end, "heading": file.heading_at(start), "heading_breaks": ()})


def is_meant(citation: Citation, wanted: str) -> bool:
    """Whether the citation is from the place, and has the words, that `wanted` names."""
    place, words = wanted.split(": ", 1)
    return place in f"{citation.file_name} {citation.heading}" and words in citation.quote


def count(pair: Mapping[str, Any], passages: list[Passage], counts: Counts, meaning: Any = None) -> list[str]:
    """Adds the citations of the pair's answer to `counts`; what is wrong with them."""
    answer = "".join(sentence for sentence, *_ in pair["answer"])
    citations = ground(answer, passages, meaning, pair["question"]).citations
    troubles, end = [], 0
    for sentence, *wanted in pair["answer"]:
        start, end = end, end + len(sentence)
        here = [each for each in citations if start <= each.answer_start < end]
        wrong = [each for each in here if not any(is_meant(each, one) for one in wanted)]
        met = [one for one in wanted if any(is_meant(each, one) for each in here)]
        counts.citations, counts.wrong = counts.citations + len(here), counts.wrong + len(wrong)
        if wanted:
            counts.sentences, counts.cited = counts.sentences + 1, counts.cited + bool(met)
            counts.incomplete += 0 < len(met) < len(wanted)
        if wrong or len(met) < len(wanted):
            quotes = [f"{each.file_name} > {each.heading}: {each.quote}" for each in here]
            troubles.append(f"{sentence.strip()} -> {quotes}, wanted {wanted}")
    return troubles


# Of the other pairs, two citations name the edition that the question asks to compare with (2026-12).
@pytest.mark.parametrize(("tuned", "most_wrong", "least_cited"), [(True, 0, 45), (False, 3, 38)])
@pytest.mark.parametrize("searched", [False, True])
def test_answers_cite_their_own_edition(tuned: bool, most_wrong: int, least_cited: int, searched: bool) -> None:
    counts, troubles = Counts(), []
    for pair in PAIRS:
        if pair.get("tuned", False) == tuned:
            files = [whole(name, text) for name, text in pair["files"].items()]
            passages = [each for file in files for each in sections(file)] if searched else files
            troubles += count(pair, passages, counts)
    assert counts.wrong <= most_wrong, troubles
    assert counts.cited >= least_cited, troubles


def test_a_sentence_that_stands_in_a_file_word_for_word_cites_that_file_whatever_it_names():
    note = "We tighten the cover bolts of the Zephyr-7 crosswise to 18 Nm, and check them after an hour of running."
    manual = """# Torque values
## Zephyr-7
Tighten the cover bolts of the Zephyr-7 to a torque of 18 Nm.
## Running in
Check the shaft for leakage after one hour of operation."""
    files = [whole("zephyr-manual.md", manual), whole("field-notes.md", f"# Field notes\n## Cover bolts\n{note}")]
    question = "What is the torque of the cover bolts on the Zephyr-7?"
    assert {each.file_name for each in ground(note, files, None, question).citations} == {"field-notes.md"}
