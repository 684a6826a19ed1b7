"""Shares, times, and measures of a ranking against judgements as in trec_eval: nDCG with linear gain, recall, MRR."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Final

from workers.bench.timing import percentile

CUT: Final = 10


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over queries, each in 0..1; all but the full MRR look at the first ten documents."""

    ndcg_10: float
    recall_10: float
    mrr_10: float
    mrr: float


def quality(rankings: Mapping[str, Sequence[str]], judgements: Mapping[str, Mapping[str, int]]) -> Quality:
    """The measures over all of `judgements`; a query without a ranking counts as 0."""
    pairs = [(rankings.get(query, ()), relevant) for query, relevant in judgements.items()]
    return Quality(
        ndcg_10=mean(ndcg(ranking, relevant) for ranking, relevant in pairs),
        recall_10=mean(recall(ranking, relevant) for ranking, relevant in pairs),
        mrr_10=mean(reciprocal_rank(ranking[:CUT], relevant) for ranking, relevant in pairs),
        mrr=mean(reciprocal_rank(ranking, relevant) for ranking, relevant in pairs),
    )


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Discounted gain of the first ten over that of the best possible ten (Järvelin and Kekäläinen, 2002)."""
    gained = _discounted([relevant.get(document, 0) for document in ranking[:CUT]])
    best = _discounted(sorted(relevant.values(), reverse=True)[:CUT])
    return gained / best if best else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def recall(ranking: Sequence[str], relevant: Mapping[str, int]) -> float:
    """The share of the relevant documents that is among the first ten."""
    return len(relevant.keys() & set(ranking[:CUT])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, int]) -> float:
    """1 / rank of the first relevant document, 0 if there is none."""
    return next((1 / rank for rank, document in enumerate(ranking, 1) if document in relevant), 0.0)


def share(found: Iterable[bool]) -> float | None:
    """The share that is true; None of nothing."""
    values = list(found)
    return sum(values) / len(values) if values else None


def milliseconds(work: Callable[[], object]) -> float:
    """The time that `work` takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def percentiles(taken: Sequence[float]) -> dict[str, float]:
    """The median and the 95th percentile of times."""
    return {"p50": round(percentile(taken, 0.5), 1), "p95": round(percentile(taken, 0.95), 1)}
