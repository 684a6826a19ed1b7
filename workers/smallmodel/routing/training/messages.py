"""Fits the classifier of messages to data/messages/<language>.tsv: lines of a label, a tab and a message."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import numpy as np

from workers.knowledge.embed import Embedder
from workers.smallmodel.conversation.classifier import WEIGHTS, features, letter_features, request_in
from workers.smallmodel.routing.training.fit import Say
from workers.smallmodel.routing.words import english_words

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MESSAGES: Final = WEIGHTS.parent / "messages"
# One in so many messages is held out for the check.
HELD_OUT: Final = 5
INVERSE_PENALTY: Final = 10.0


def train_messages(embedder: Embedder, folder: Path, say: Say, *, check: bool = True) -> dict[str, float]:
    """Write the weights into `folder`; returns the held-out accuracy by head, empty without `check`."""
    langs, labels, messages = (list(column) for column in zip(*_messages(), strict=True))
    texts = [request_in(message) for message in messages]
    english = [english_words(text, lang) for text, lang in zip(texts, langs, strict=True)]
    say(f"Encoding {len(texts)} messages.")
    vectors = embedder.encode(english)
    letters = letter_features(texts)
    heads = {
        "langs": (letters, langs),
        "labels": (features(letters, english, vectors), labels),
        "labels-unread": (features(letters, english, None), labels),
    }
    held = np.array([crc32(text.encode()) % HELD_OUT == 0 for text in texts])
    found = {name: _accuracy(rows, np.array(wanted), held) for name, (rows, wanted) in heads.items()} if check else {}
    for name, share in found.items():
        say(f"held out, messages, {name}: {share:.3f} of {held.sum()}")
    fitted = {name: _fit(rows, wanted) for name, (rows, wanted) in heads.items()}
    out = folder / WEIGHTS.name
    parts = {f"{name}/weight": model.coef_.T.astype(np.float16) for name, model in fitted.items()}
    parts |= {f"{name}/bias": model.intercept_.astype(np.float32) for name, model in fitted.items()}
    names = {name: fitted[name].classes_ for name in ("langs", "labels")}
    np.savez_compressed(out, embedder=np.array(embedder.id), **names, **parts)
    say(f"Wrote {out} ({out.stat().st_size / 1e3:.0f} kB).")
    return found


def _messages() -> list[tuple[str, str, str]]:
    """(language, label, message), each different message once."""
    found: dict[str, tuple[str, str, str]] = {}
    for path in sorted(MESSAGES.glob("*.tsv")):
        for line in path.read_text("utf-8").splitlines():
            label, _, text = line.partition("\t")
            found.setdefault(text.casefold(), (path.stem, label, text))
    return list(found.values())


def _fit(rows: "csr_matrix", wanted: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=INVERSE_PENALTY, tol=1e-3).fit(rows, wanted)


def _accuracy(rows: "csr_matrix", wanted: Any, held: Any) -> float:
    return float(_fit(rows[~held], wanted[~held]).score(rows[held], wanted[held]))
