"""`manage.py trainrouter`: trains the router, the classifier of messages, the reader and the store's search."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.knowledge.embed import EmbedderMissing, shared_embedder
from workers.management.checkout import require_checkout
from workers.smallmodel.routing.words import DATA


class Command(BaseCommand):
    """Trains them, measures them on held-out examples, and writes the weights."""

    help = (
        "Trains the choice of tools and GPTs and the reading of messages from examples in some minutes, "
        "and, only if named, the reader of sentences or the search of the store, in an hour or two on two cores."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        require_checkout(parser, "workers.smallmodel.routing.training")
        from workers.smallmodel.routing.training.train import Plan

        plan = Plan()
        parser.add_argument(
            "part",
            choices=("all", "router", "messages", "reader", "store"),
            nargs="?",
            default="all",
            help="what to train",
        )
        parser.add_argument("--rounds", type=int, default=plan.rounds, help="cases generated from each example")
        parser.add_argument("--members", type=int, default=plan.members, help="heads whose answers are averaged")
        parser.add_argument("--seed", type=int, default=plan.seed, help="the same seed gives the same cases")
        parser.add_argument("--skip-check", action="store_true", help="skip the second training with held-out groups")
        parser.add_argument("--tune", action="store_true", help="first retrain the change to the embedder")
        parser.add_argument("--out", type=Path, help="the output folder, by default those of the weights")

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.indexing.store_texts import CHANGE
        from workers.smallmodel.conversation.classifier import WEIGHTS
        from workers.smallmodel.reading.reader import WEIGHTS as READER
        from workers.smallmodel.routing.training.messages import train_messages
        from workers.smallmodel.routing.training.reader import train_reader
        from workers.smallmodel.routing.training.train import Plan, train
        from workers.training.store import train_store

        part, out, say = options["part"], options["out"], self.stdout.write
        check, tune = not options["skip_check"], options["tune"]
        plan = Plan(options["rounds"], options["members"], options["seed"], check, tune)
        try:
            embedder = shared_embedder()
            if part in ("all", "messages"):
                train_messages(embedder, out or WEIGHTS.parent, options["seed"], say, check=check)
            if part in ("all", "router"):
                train(embedder, plan, out or DATA, say)
            if part == "reader":
                train_reader(embedder, out or READER.parent, options["seed"], say, check=check)
            if part == "store":
                train_store(embedder, out or CHANGE.parent, options["seed"], say, check=check)
        except EmbedderMissing as error:
            raise CommandError(str(error)) from error
