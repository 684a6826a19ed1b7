"""`manage.py trainrouter`: trains the router of tools and GPTs from the examples and writes its weights."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.knowledge.embed import EmbedderMissing, shared_embedder
from workers.management.checkout import require_checkout
from workers.smallmodel.routing.words import DATA


class Command(BaseCommand):
    """Trains the router, measures it on held-out groups of examples, and writes the weights."""

    help = "Trains the router of tools and GPTs from workers/smallmodel/routing/data; takes some minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        require_checkout(parser, "workers.smallmodel.routing.training")
        from workers.smallmodel.routing.training.train import Plan

        plan = Plan()
        parser.add_argument("--rounds", type=int, default=plan.rounds, help="cases generated from each example")
        parser.add_argument("--members", type=int, default=plan.members, help="heads whose answers are averaged")
        parser.add_argument("--seed", type=int, default=plan.seed, help="the same seed gives the same cases")
        parser.add_argument("--skip-check", action="store_true", help="skip the second training with held-out groups")
        parser.add_argument("--tune", action="store_true", help="first retrain the change to the embedder")
        parser.add_argument("--out", type=Path, default=DATA, help="the output folder")

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.smallmodel.routing.training.train import Plan, train

        check, tune = not options["skip_check"], options["tune"]
        plan = Plan(options["rounds"], options["members"], options["seed"], check, tune)
        try:
            train(shared_embedder(settings.EMBEDDER), plan, options["out"], self.stdout.write)
        except EmbedderMissing as error:
            raise CommandError(str(error)) from error
