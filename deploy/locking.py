"""`deploy/freeze`: rewrites deploy/requirements*.txt, which pin every package by the hashes of all its files.

uv resolves once for all Pythons and platforms, so that one set of files fits every machine. Pins stay as they are
unless pyproject.toml excludes them, or with `--upgrade`.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from deploy.install import EXTRAS, REPOSITORY, requirements_file

# What pip needs to build the package of this repository.
BUILD_TOOLS: Final = ("hatchling", "editables")
# The libraries of torch's builds for CUDA, which a build for the CPU does without.
CUDA: Final = re.compile(r"nvidia-|cuda-|triton\b")
HEADER: Final = "# Made by deploy/freeze from pyproject.toml: {what}, pinned by the hashes of all files.\n"
WHAT: Final = {
    "": "what the extras workers and local need, except torch",
    "torch": "torch",
    "cuda": "what torch's builds for CUDA need",
    "install": "what installs the others",
}

Pins = dict[str, str]


def main() -> int:
    """Write the files."""
    upgrade = "--upgrade" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        everything = Path(folder) / "everything.txt"
        everything.write_text("" if upgrade else "\n".join(_known().values()))
        pins = _resolved(everything)
        everything.write_text("\n".join(pins.values()))
        base = _resolved(everything, "workers", "local")
        cuda = {name: entry for name, entry in base.items() if CUDA.match(name)}
        _write("", base, {*cuda, "torch"})
        _write("torch", {"torch": base["torch"]}, ())
        _write("cuda", cuda, ())
        for extra in EXTRAS[3:]:  # besides those below and above
            _write(extra, _resolved(everything, extra, "workers", "local"), base)
        _write("install", _resolved(everything, "install"), pins.keys() - {"uv"})
    return 0


def read_pins(text: str) -> Pins:
    """The entries of a requirements file by package name: each is a line with the lines of its hashes."""
    found = re.finditer(r"^([\w.-]+)(?:\[[\w,-]+\])?==(?:.*\\\n)*.*", text, re.MULTILINE)
    return {entry[1]: entry[0] for entry in found}


def _known() -> Pins:
    files = sorted((REPOSITORY / "deploy").glob("requirements*.txt"))
    return {name: entry for file in files for name, entry in read_pins(file.read_text()).items()}


def _resolved(known: Path, *extras: str) -> Pins:
    """The pins of the extras (all without any) and of what they need; versions in `known` are preferred."""
    chosen = [f"--extra={extra}" for extra in extras] or ["--all-extras"]
    command = ["uv", "pip", "compile", "--universal", "--python-version=3.11", "--generate-hashes", "--no-annotate"]
    command += ["--no-header", "--quiet", f"--output-file={known.parent / 'resolved.txt'}", *chosen]
    (known.parent / "resolved.txt").write_text(known.read_text())  # uv prefers what its output pins
    sources = [str(REPOSITORY / "pyproject.toml"), "-"]
    subprocess.run([*command, *sources], input="\n".join(BUILD_TOOLS), text=True, check=True)
    pins = read_pins((known.parent / "resolved.txt").read_text())
    return {**pins, "torch": _with_more_hashes(pins["torch"])} if "torch" in pins else pins


def _with_more_hashes(torch: str) -> str:
    """The entry of torch with the hashes that it has already, and that of the build which this machine's pip prefers.

    Indexes offer builds of one version that PyPI does not have, such as those for the CPU.
    """
    requirement, _, _ = torch.partition(" ")
    report = ["install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--report=-", requirement]
    pip = subprocess.run([sys.executable, "-m", "pip", *report], stdout=subprocess.PIPE, text=True, check=True)
    preferred = json.loads(pip.stdout)["install"][0]["download_info"]["archive_info"]["hashes"]["sha256"]
    before = _known().get("torch", "")
    hashes = _hashes(torch) | {preferred} | (_hashes(before) if before.startswith(f"{requirement} ") else set())
    return " \\\n".join([requirement, *(f"    --hash=sha256:{digest}" for digest in sorted(hashes))])


def _hashes(entry: str) -> set[str]:
    return set(re.findall(r"sha256:(\w+)", entry))


def _write(extra: str, pins: Pins, without: Iterable[str]) -> None:
    what = WHAT.get(extra, f"what the extra {extra} needs besides")
    entries = [entry for name, entry in sorted(pins.items()) if name not in without]
    requirements_file(extra).write_text(HEADER.format(what=what) + "\n".join(entries) + "\n")


if __name__ == "__main__":
    sys.exit(main())
