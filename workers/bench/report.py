"""The figures as a table for people and as JSON for programs, with the ratios that the project promises."""

from dataclasses import asdict
from typing import Any

from workers.bench.figures import Figures


def ratios(raw: Figures, stock: Figures, engine: Figures, platform: Figures | None) -> dict[str, float]:
    """The promised ratios: engine to stock and raw, cold to warm first token, HTTP to engine."""
    found = {
        "engine_to_stock_tokens_per_s": engine.tokens_per_s / stock.tokens_per_s,
        "engine_to_raw_tokens_per_s": engine.tokens_per_s / raw.tokens_per_s,
    }
    if engine.solo_tokens_per_s and stock.solo_tokens_per_s:
        found["engine_to_stock_solo"] = engine.solo_tokens_per_s / stock.solo_tokens_per_s
    if engine.cold_first_s and engine.warm_first_s:
        found["cold_to_warm_first_token"] = engine.cold_first_s / engine.warm_first_s
    if platform is not None:
        found["http_to_engine_tokens_per_s"] = platform.tokens_per_s / engine.tokens_per_s
    return found


def as_json(arms: list[Figures], found: dict[str, float], setting: dict[str, Any]) -> dict[str, Any]:
    """Everything, for `--json`."""
    return {"setting": setting, "arms": [asdict(arm) for arm in arms], "ratios": found}


def as_table(arms: list[Figures], found: dict[str, float], concurrency: int) -> str:
    """Aligned text."""
    head = f"{'':28}{f'{concurrency} chats':>12}{'one chat':>12}{'cold first':>12}{'warm first':>12}{'same text':>12}"
    lines = [head, f"{'':28}{'tok/s':>12}{'tok/s':>12}{'ms':>12}{'ms':>12}"]
    for arm in arms:
        same = "" if arm.n_identical is None else f"{arm.n_identical}/{arm.n_compared}"
        lines.append(
            f"{arm.name:28}{arm.tokens_per_s:12.1f}{_number(arm.solo_tokens_per_s, 1)}"
            f"{_number(arm.cold_first_s, 1000)}{_number(arm.warm_first_s, 1000)}{same:>12}"
        )
    lines.append("")
    lines += [f"{name.replace('_', ' '):34}{value:8.2f}" for name, value in found.items()]
    return "\n".join(lines)


def _number(value: float | None, factor: float) -> str:
    return f"{'-':>12}" if value is None else f"{value * factor:12.1f}"
