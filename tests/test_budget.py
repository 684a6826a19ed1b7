"""The tree stays within its budget."""

from tests import budget


def test_nothing_grows_above_its_limit() -> None:
    assert budget.over() == [], "make room, or change the number in tests/budget.py and say why"


def test_what_grows_is_named(monkeypatch) -> None:
    monkeypatch.setattr(budget, "MOST_FILES", 3)
    assert any(line.startswith("files directly in ") and line.endswith("at most 3") for line in budget.over())
