"""`python -m tests.lab train`: trains the router, the classifier of messages, the reader and the store's search."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.lab.training.learning import Plan
from tests.lab.training.messages import train_messages
from tests.lab.training.reader import train_reader
from tests.lab.training.router import train_router
from tests.lab.training.store import train_store
from workers.bench import Say
from workers.indexing.store_texts import CHANGE
from workers.knowledge.embed import shared_embedder
from workers.smallmodel.conversation import classifier
from workers.smallmodel.reading import reader
from workers.smallmodel.routing.words import DATA

HELP = (
    "the choice of tools and GPTs and the reading of messages from examples in some minutes, "
    "and, only if named, the reader of sentences or the search of the store, in an hour or two on two cores"
)
# What trains a part, and the folder of its weights.
PARTS: Final = {
    "messages": (train_messages, classifier.WEIGHTS.parent),
    "router": (train_router, DATA),
    "reader": (train_reader, reader.WEIGHTS.parent),
    "store": (train_store, CHANGE.parent),
}


def add_arguments(parser: ArgumentParser) -> None:
    plan = Plan()
    parser.add_argument("part", choices=("all", *PARTS), nargs="?", default="all", help="what to train")
    parser.add_argument("--rounds", type=int, default=plan.rounds, help="cases generated from each example")
    parser.add_argument("--members", type=int, default=plan.members, help="heads whose answers are averaged")
    parser.add_argument("--seed", type=int, default=plan.seed, help="the same seed gives the same cases")
    parser.add_argument("--skip-check", action="store_true", help="skip the second training with held-out groups")
    parser.add_argument("--tune", action="store_true", help="first retrain the change to the embedder")
    parser.add_argument("--out", type=Path, help="the output folder, by default those of the weights")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Write the weights; what is right of what was held out, by part. Raises RuntimeError."""
    counts = {name: options[name] for name in ("rounds", "members", "seed")}
    plan = Plan(**counts, check=not options["skip_check"], tune=options["tune"])
    embedder = shared_embedder()
    found = {}
    for part in ("messages", "router") if options["part"] == "all" else (options["part"],):
        train, folder = PARTS[part]
        found[part] = train(embedder, plan, options["out"] or folder, say)
    return found
