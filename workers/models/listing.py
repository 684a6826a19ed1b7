"""What a hub has: the files of a model that a download would fetch, their sizes and checksums, and the licence.

Weights that can run code when they are read (pickles) are never listed: only safetensors or one .gguf file, and the
JSON and text beside them.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import httpx2
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import ModelInfo, RepoSibling

from workers.models.catalogue import ModelSource, entry_named
from workers.models.errors import ModelError
from workers.models.stored import RECORD, HubFile, Manifest, hub_folder, partial_folder, read_manifest

# Configuration, tokenizer and chat template.
BESIDE_WEIGHTS: Final = (".json", ".model", ".txt", ".jinja")
# What transformers loads. Some makers add the same weights in their own layout (consolidated.safetensors).
WEIGHTS: Final = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
SPLIT_GGUF: Final = re.compile(r".*-\d{5}-of-\d{5}\.gguf")
LISTING_TIMEOUT_S: Final = 30.0
LISTED_FILES: Final = 12


@dataclass(frozen=True, slots=True)
class Hub:
    """The address of a hub, and the token of an account there ("": none)."""

    endpoint: str
    token: str = ""


def look_up(source: ModelSource, hub: Hub, home: Path) -> Manifest:
    """What a download would fetch: the commit that one began with, or the newest. Raises ModelError."""
    allow_network()
    begun = read_manifest(partial_folder(hub_folder(home, source)))
    with in_plain_words(source, hub):
        if begun:
            try:
                return _manifest(source, _listing(source.repo, begun.commit, hub))
            except RevisionNotFoundError:
                pass  # its history was rewritten: start anew
        return _manifest(source, _listing(source.repo, source.revision, hub))


def allow_network() -> None:
    """Undo `HF_HUB_OFFLINE`, which the library reads at import, and send the hub no telemetry."""
    constants.HF_HUB_OFFLINE = False
    constants.HF_HUB_DISABLE_TELEMETRY = True


def _listing(repo: str, revision: str, hub: Hub) -> ModelInfo:
    api = HfApi(endpoint=hub.endpoint, token=hub.token or False)
    return api.model_info(repo, revision=revision, files_metadata=True, timeout=LISTING_TIMEOUT_S)


def _manifest(source: ModelSource, info: ModelInfo) -> Manifest:
    entry = entry_named(source.typed)
    siblings = {each.rfilename: each for each in info.siblings or []}
    wanted = _one_gguf(source, siblings) if source.file else _safetensors(source, siblings)
    return Manifest(
        source=source,
        name=entry.name if entry else "",
        commit=info.sha or source.revision,
        licence=_licence(info),
        files=tuple(_hub_file(siblings[name], source.repo) for name in sorted(wanted)),
    )


def _one_gguf(source: ModelSource, names: dict[str, Any]) -> list[str]:
    if source.file not in names:
        raise ModelError(f"{source.repo} has no file {source.file}.{_choices(source.repo, names)}")
    if SPLIT_GGUF.fullmatch(source.file):
        raise ModelError(f"{source.file} is one part of several. Choose a GGUF file in one piece.")
    return [source.file]


def _safetensors(source: ModelSource, names: dict[str, Any]) -> list[str]:
    top = [name for name in names if "/" not in name and "\\" not in name and not name.startswith(".")]
    weights = [name for name in top if WEIGHTS.fullmatch(name)]
    weights = weights or [name for name in top if name.endswith(".safetensors")]
    if not weights:
        raise ModelError(
            f"{source.repo} has no safetensors files. Other formats can run code when they are read, and are never "
            f"downloaded.{_choices(source.repo, names)}"
        )
    if "config.json" not in top:
        raise ModelError(f"{source.repo} has no config.json, so the model's architecture is unknown.")
    return weights + [name for name in top if PurePosixPath(name).suffix in BESIDE_WEIGHTS and name != RECORD]


def _choices(repo: str, names: dict[str, Any]) -> str:
    found = [f"{repo}:{name}" for name in sorted(names) if name.endswith(".gguf") and not SPLIT_GGUF.fullmatch(name)]
    return f" It has these GGUF files: {', '.join(found[:LISTED_FILES])}." if found else ""


def _hub_file(sibling: RepoSibling, repo: str) -> HubFile:
    if sibling.size is None or not (sibling.lfs or sibling.blob_id):
        raise ModelError(f"The hub states no size or checksum for {sibling.rfilename} of {repo}.")
    sha256 = sibling.lfs.sha256 if sibling.lfs else ""
    return HubFile(name=sibling.rfilename, size=sibling.size, sha256=sha256, git_sha1=sibling.blob_id or "")


def _licence(info: ModelInfo) -> str:
    """The licence that the model's card states, with its name or address if it is one of its own."""
    card: Any = info.card_data or {}
    stated = card.get("license")
    stated = ", ".join(stated) if isinstance(stated, list) else stated
    own = [card.get(key) for key in ("license_name", "license_link")]
    return ", ".join(str(each) for each in (stated, *own) if each) or "no licence (its page states none)"


@contextmanager
def in_plain_words(source: ModelSource, hub: Hub) -> Iterator[None]:
    """Turns the library's errors into ModelError."""
    try:
        yield
    except HfHubHTTPError as error:
        raise ModelError(_refusal(error, source, hub)) from error
    except httpx2.HTTPError as error:
        raise ModelError(
            f"Couldn't connect to {hub.endpoint} ({type(error).__name__}). Check the network, or set HF_ENDPOINT to "
            "a mirror. Nothing is lost: downloading again goes on from where it stopped."
        ) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise ModelError("The disk is full." if full else f"{source.repo} couldn't be stored: {error}") from error
    except (ValueError, KeyError) as error:
        raise ModelError(f"{hub.endpoint} gave an answer that isn't a hub's: {error}") from error


def _refusal(error: HfHubHTTPError, source: ModelSource, hub: Hub) -> str:
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        who = "the account of HF_TOKEN" if hub.token else "your account there, and set HF_TOKEN to its token"
        return f"{source.repo} is gated. Accept its terms at {hub.endpoint}/{source.repo} with {who}."
    if isinstance(error, RevisionNotFoundError):
        return f"{source.repo} has no revision {source.revision}."
    if isinstance(error, RepositoryNotFoundError) or status in (401, 404):
        token = "HF_TOKEN may be wrong" if hub.token else "set HF_TOKEN if it is private"
        return f"{hub.endpoint} has no model {source.repo}. Check the name; {token}."
    if status == 403:
        return f"{hub.endpoint} refuses access to {source.repo}. Set HF_TOKEN to a token that may read it."
    return f"{hub.endpoint} answered with an error (HTTP {status}). Try again later; nothing is lost."
