"""Figures as people read them."""

from workers.bench.report import as_text
from workers.bench.timing import percentile


def test_figures_are_lines_and_like_groups_a_table() -> None:
    found = {
        "files": 1200,
        "speed_mb": 0.5,
        "model": None,
        "reached": ["one", "two"],
        "wrong": [{"id": "x"}],
        "setting": {"tokens": 64},
        "arms": {"ours": {"tokens_per_s": 98.76, "cases": 3}, "raw generate": {"tokens_per_s": 12.0}},
    }
    assert as_text(found).splitlines() == [
        "files                                          1,200",
        "speed mb                                       0.500",
        "model                                              -",
        "reached: one, two",
        "setting:",
        "  tokens                                          64",
        "",
        "arms          tokens per s  cases",
        "ours                  98.8      3",
        "raw generate          12.0      -",
    ]


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([5.0, 1.0, 3.0], 0.5) == 3.0
    assert percentile(list(range(1, 101)), 0.95) == 95
