"""Fits the classifier of messages to data/messages/<language>.tsv.gz, lines of a label, a tab and a message.

Questions are so many and so various that it learns some of the reader's, too.
"""

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import numpy as np

from tests.lab import packed
from tests.lab.training.learning import DATA, Plan
from tests.lab.training.reader import learned_questions
from workers.bench import Say
from workers.knowledge.embed import Embedder
from workers.smallmodel.conversation.classifier import WEIGHTS, features, letter_features, request_in
from workers.smallmodel.routing.words import english_words

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MESSAGES: Final = DATA / "messages"
# One in so many messages is held out for the check; those of data/messages/unseen are never learned from.
HELD_OUT: Final = 5
INVERSE_PENALTY: Final = 10.0
# Questions of each author of the reader's data.
QUESTIONS_OF_EACH: Final = 100


def train_messages(embedder: Embedder, plan: Plan, folder: Path, say: Say) -> dict[str, float]:
    """Write the weights into `folder`; returns the accuracy on messages not learned from, empty without `check`."""
    learned, unseen = _learned(random.Random(plan.seed)), _messages(MESSAGES / "unseen")
    langs, labels, messages = (list(column) for column in zip(*learned, *unseen, strict=True))
    texts = [request_in(message) for message in messages]
    english = [english_words(text, lang) for text, lang in zip(texts, langs, strict=True)]
    say(f"Encoding {len(texts)} messages.")
    vectors = embedder.encode(english)
    letters = letter_features(texts)
    heads = {
        "langs": (letters, np.array(langs)),
        "labels": (features(letters, english, vectors), np.array(labels)),
        "labels-unread": (features(letters, english, None), np.array(labels)),
    }
    n = len(learned)
    fitted = {name: _fit(rows[:n], wanted[:n]) for name, (rows, wanted) in heads.items()}
    out = folder / WEIGHTS.name
    parts = {f"{name}/weight": model.coef_.T.astype(np.float16) for name, model in fitted.items()}
    parts |= {f"{name}/bias": model.intercept_.astype(np.float32) for name, model in fitted.items()}
    names = {name: fitted[name].classes_ for name in ("langs", "labels")}
    np.savez_compressed(out, embedder=np.array(embedder.id), **names, **parts)
    say(f"Wrote {out} ({out.stat().st_size / 1e3:.0f} kB).")
    if not plan.check:
        return {}
    held = np.array([crc32(text.encode()) % HELD_OUT == 0 for text in texts[:n]])
    found = {name: _accuracy(rows[:n], wanted[:n], held) for name, (rows, wanted) in heads.items()}
    found |= {f"{name}, unseen": fitted[name].score(rows[n:], wanted[n:]) for name, (rows, wanted) in heads.items()}
    return found


def _learned(draw: random.Random) -> list[tuple[str, str, str]]:
    """Each different message once, with the label that it has first."""
    found: dict[str, tuple[str, str, str]] = {}
    questions = (text for each in learned_questions() for text in draw.sample(each, QUESTIONS_OF_EACH))
    for message in [*_messages(MESSAGES), *(("en", "question", text) for text in questions)]:
        found.setdefault(message[-1].casefold(), message)
    return list(found.values())


def _messages(folder: Path) -> list[tuple[str, str, str]]:
    """(language, label, message) of each line."""
    paths = sorted(folder.glob("*.tsv.gz"))
    lines = ((path.name[:2], line.partition("\t")) for path in paths for line in packed.read(path).splitlines())
    return [(lang, label, text) for lang, (label, _, text) in lines]


def _fit(rows: "csr_matrix", wanted: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=INVERSE_PENALTY, tol=1e-3).fit(rows, wanted)


def _accuracy(rows: "csr_matrix", wanted: Any, held: Any) -> float:
    return float(_fit(rows[~held], wanted[~held]).score(rows[held], wanted[held]))
