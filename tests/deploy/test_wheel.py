"""The installed package: what runs is in it, and what measures and trains is not."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hatchling.builders.wheel import WheelBuilder

REPOSITORY = Path(__file__).resolve().parents[2]
LEFT_OUT = "workers/bench/"


@pytest.fixture(scope="module")
def files() -> set[str]:
    """The paths in the wheel that `pip wheel .` would make."""
    return {file.distribution_path for file in WheelBuilder(str(REPOSITORY)).recurse_included_files()}


def test_what_measures_and_trains_stays_in_the_checkout(files: set[str]) -> None:
    assert {"workers/management/commands/bench.py", "workers/smallmodel/routing/data/tools.npz"} <= files
    assert not [path for path in files if path.startswith(LEFT_OUT)]
    assert not [path for path in files if path.endswith((".jsonl", ".tsv", ".gz"))]
    assert {path.partition("/")[0] for path in files} == {"web", "gpts", "workers"}


def test_every_other_module_is_installed(files: set[str]) -> None:
    roots = {"web": REPOSITORY / "platform", "gpts": REPOSITORY, "workers": REPOSITORY}
    modules = {str(path.relative_to(root)) for name, root in roots.items() for path in (root / name).rglob("*.py")}
    assert {path for path in modules if not path.startswith(LEFT_OUT)} <= files


def test_bench_says_that_it_needs_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.management.commands.bench.find_spec", lambda package: None)
    with pytest.raises(CommandError, match="needs a checkout of Guildhall"):
        call_command("bench", "load")
