"""Learns to read a question and a sentence together, from data/reading.

Of each question a few sentences of its document are read: one that answers, if any, those closest by cosine, and
others. Each should say whether it answers, and the one that does more than the others.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.lab import packed
from tests.lab.training.cases import with_typo
from tests.lab.training.learning import DATA, Plan, frozen, in_batches, insert_change, learn, saved
from workers.bench import Say
from workers.knowledge.embed import Embedder
from workers.smallmodel.reading.reader import MOST_TOKENS, WEIGHTS, Reader

# The name of the file, the title, the sentence before, and the sentence.
Parts = tuple[str, str, str, str]

DOCUMENTS: Final = DATA / "reading"
# The author whose documents are only measured on.
HELD_OUT: Final = "g.jsonl.gz"
RANK: Final = 16
ROUNDS: Final = 2
LEARNING_RATE: Final = 1e-3
QUESTIONS_A_STEP: Final = 16
# Sentences that do not answer, a question; one more if none does.
OTHERS: Final = 2
# Probabilities that a sentence is read alone, without its file's name, without the sentence before it, that one of
# another document is added, and that the question has a typo.
ALONE: Final = 0.1
WITHOUT_NAME: Final = 0.4
WITHOUT_BEFORE: Final = 0.15
STRANGER: Final = 0.25
TYPO: Final = 0.1
# Questions that are sorted by length together, so that a step has little padding.
SORTED: Final = 16 * QUESTIONS_A_STEP
_EXTENSION: Final = re.compile(r"\.\w{2,4}$")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the sentences of its document, closest first, and which of them answer."""

    question: str
    sentences: tuple[Parts, ...]
    answers: tuple[bool, ...]

    @property
    def is_answered(self) -> bool:
        """Whether a sentence answers."""
        return any(self.answers)


def train_reader(embedder: Embedder, plan: Plan, folder: Path, say: Say) -> dict[str, float]:
    """Write the weights into `folder`; returns what is right of the held-out author's questions, empty if no `check`.

    `check` trains nothing a second time: those questions are never learned from.
    """
    import torch
    from transformers import AutoTokenizer

    torch.manual_seed(plan.seed)
    draw = random.Random(plan.seed)
    asked = _read_all(embedder, say)
    tokenizer = AutoTokenizer.from_pretrained(str(embedder.folder))
    model = frozen(embedder)
    change = insert_change(model, RANK)
    head = torch.nn.Linear(model.config.hidden_size, 1)
    read = partial(_read, model, head, tokenizer, torch)
    batches = [batch for _ in range(ROUNDS) for batch in _batches(asked, draw)]

    def loss_of(batch: list[Asked]) -> Any:
        groups = [drawn(each, asked, draw) for each in batch]
        return _loss(read([pair for pairs, _ in groups for pair in pairs]), [labels for _, labels in groups], torch)

    learn([*change.values(), *head.parameters()], batches, len(batches), loss_of, LEARNING_RATE, say)
    weights = np.concatenate([head.weight.detach().numpy()[0], head.bias.detach().numpy()]).astype(np.float32)
    np.savez_compressed(folder / WEIGHTS.name, head=weights, **saved(change))
    return _check(Reader(embedder, folder / WEIGHTS.name), embedder) if plan.check else {}


def _read_all(embedder: Embedder, say: Say) -> list[Asked]:
    """The questions to learn from."""
    asked = [each for path in _learned() for each in read_asked(path, embedder)]
    say(f"Learning from {len(asked)} questions.")
    return asked


def _learned() -> list[Path]:
    return [path for path in sorted(DOCUMENTS.glob("*.jsonl.gz")) if path.name != HELD_OUT]


def learned_questions() -> list[list[str]]:
    """The questions of each author that are learned from."""
    by_author = map(packed.rows, _learned())
    return [[question for each in documents for question, _ in each["questions"]] for documents in by_author]


def read_asked(path: Path, embedder: Embedder) -> list[Asked]:
    """The questions of a file of documents, each with the sentences of its document, those closest to it first."""
    return [asked for document in packed.rows(path) for asked in _asked_of(document, embedder)]


def _asked_of(document: dict[str, Any], embedder: Embedder) -> Iterator[Asked]:
    parts = dict(sentences(document["title"], document["units"]))
    questions = [question for question, _ in document["questions"]]
    vectors = embedder.encode([*map(_text, parts.values()), *questions])
    for (question, answers), vector in zip(document["questions"], vectors[len(parts) :], strict=True):
        cosines = vectors[: len(parts)] @ vector
        order = [number for _, number in sorted(zip(-cosines, parts, strict=True))]
        yield Asked(question, tuple(parts[n] for n in order), tuple(n in answers for n in order))


def sentences(name: str, units: Sequence[str]) -> Iterator[tuple[int, Parts]]:
    """The sentences among the units of a document, each by its number; "# " begins a heading."""
    title = before = ""
    for number, unit in enumerate(units):
        if unit.startswith("#"):
            title, before = unit.lstrip("# "), ""
        else:
            yield number, (_EXTENSION.sub("", name), title, before, unit)
            before = unit


def _text(parts: Parts) -> str:
    name, title, before, sentence = parts
    return f"{', '.join(filter(None, (name, title)))}: {before} {sentence}"


def _batches(asked: Sequence[Asked], draw: random.Random) -> Iterator[list[Asked]]:
    """All questions in a random order, those of similar length together."""
    shuffled = draw.sample(asked, len(asked))
    for start in range(0, len(shuffled), SORTED):
        some = sorted(shuffled[start : start + SORTED], key=lambda each: max(map(_length, each.sentences)))
        batches = [some[n : n + QUESTIONS_A_STEP] for n in range(0, len(some), QUESTIONS_A_STEP)]
        yield from draw.sample(batches, len(batches))


def _length(parts: Parts) -> int:
    return len(_text(parts))


def drawn(each: Asked, asked: Sequence[Asked], draw: random.Random) -> tuple[list[tuple[str, str]], list[float]]:
    """Pairs of a question and a sentence, an answer first if there is one, and which are answers."""
    right = [parts for parts, is_right in zip(each.sentences, each.answers, strict=True) if is_right]
    wrong = [parts for parts, is_right in zip(each.sentences, each.answers, strict=True) if not is_right]
    n_hard = OTHERS - 1 if right else OTHERS
    hard, rest = wrong[:n_hard], wrong[n_hard:]
    chosen = [*([draw.choice(right)] if right else []), *hard, *draw.sample(rest, min(1, len(rest)))]
    if draw.random() < STRANGER:
        chosen.append(draw.choice(draw.choice(asked).sentences))
    labels = [float(bool(right) and n == 0) for n in range(len(chosen))]
    question = with_typo(each.question, draw) if draw.random() < TYPO else each.question
    return [(question, _varied(parts, draw)) for parts in chosen], labels


def _varied(parts: Parts, draw: random.Random) -> str:
    name, title, before, sentence = parts
    if draw.random() < ALONE:
        return sentence
    name = "" if title and draw.random() < WITHOUT_NAME else name
    return _text((name, title, "" if draw.random() < WITHOUT_BEFORE else before, sentence))


def _read(model: Any, head: Any, tokenizer: Any, torch: Any, pairs: Sequence[tuple[str, str]]) -> Any:
    """How likely each sentence answers, as logits `(n_pairs,)`."""

    def read(some: list[tuple[str, str]]) -> Any:
        questions, texts = zip(*some, strict=True)
        batch = tokenizer(
            list(questions), list(texts), padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt"
        )
        with torch.autocast("cpu", torch.bfloat16):
            return model(**batch).last_hidden_state[:, 0].float()

    return head(in_batches(pairs, lambda pair: sum(map(len, pair)), read))[:, 0]


def _loss(logits: Any, labels: Sequence[Sequence[float]], torch: Any) -> Any:
    """Each sentence judged alone, and against the others of its question and none of them, whose logit is 0."""
    functional = torch.nn.functional
    alone = functional.binary_cross_entropy_with_logits(logits, torch.tensor([y for ys in labels for y in ys]))
    none, chosen, start = torch.zeros(1), [], 0
    for own in labels:
        table = torch.cat([logits[start : start + len(own)], none])
        right = 0 if own[0] else len(own)
        chosen.append(functional.cross_entropy(table[None], torch.tensor([right])))
        start += len(own)
    return alone + torch.stack(chosen).mean()


def _check(reader: Reader, embedder: Embedder) -> dict[str, float]:
    """What is right of the held-out author's questions: the best sentence, and pairs with and without an answer."""
    asked = read_asked(DOCUMENTS / HELD_OUT, embedder)
    read = [reader(each.question, [_text(parts) for parts in each.sentences]) for each in asked]
    best = [each.answers[int(np.argmax(found))] for each, found in zip(asked, read, strict=True) if each.is_answered]
    with_answer, without = (
        np.array([max(found) for each, found in zip(asked, read, strict=True) if each.is_answered == is_answered])
        for is_answered in (True, False)
    )
    return {
        "best sentence answers": float(np.mean(best)),
        "questions with and without an answer told apart": float((with_answer[:, None] > without).mean()),
    }
