"""`manage.py trainrouter [--gpts]`: trains one of the router's heads from its examples and writes the weights."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.knowledge.embed import EmbedderMissing, shared_embedder
from workers.management.checkout import require_checkout
from workers.smallmodel.routing.head import WEIGHTS
from workers.smallmodel.routing.words import DATA


class Command(BaseCommand):
    """Trains, says how well families that were held out are routed, and writes the weights."""

    help = "Trains the head that chooses tools, or the one for GPTs, from workers/routing/data; takes some minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        """How much to train, and where to write."""
        require_checkout(parser, "workers.smallmodel.routing.training")
        from workers.smallmodel.routing.training.train import Plan

        plan = Plan()
        parser.add_argument("--rounds", type=int, default=plan.rounds, help="cases made of each example")
        parser.add_argument("--members", type=int, default=plan.members, help="heads whose answers are averaged")
        parser.add_argument("--seed", type=int, default=plan.seed, help="the same seed gives the same cases")
        parser.add_argument("--skip-check", action="store_true", help="do not train once more with families held out")
        parser.add_argument("--gpts", action="store_true", help="train the choice of GPTs instead of that of tools")
        parser.add_argument("--out", type=Path, help="the file to write, with --gpts the folder, not what is in use")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the progress and, unless skipped, the accuracy on what was held out."""
        from workers.smallmodel.routing.training.gpt_train import train_gpts
        from workers.smallmodel.routing.training.train import Plan, train

        plan = Plan(options["rounds"], options["members"], options["seed"], not options["skip_check"])
        try:
            embedder = shared_embedder(settings.EMBEDDER)
            if options["gpts"]:
                train_gpts(embedder, plan, options["out"] or DATA, self.stdout.write)
            else:
                train(embedder.encode, plan, options["out"] or WEIGHTS, self.stdout.write)
        except EmbedderMissing as error:
            raise CommandError(str(error)) from error
