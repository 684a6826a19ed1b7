"""Figures as people read them."""

from workers.bench.report import as_text


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
