"""`manage.py downloadmodel`: a download of the models page, in a process of its own that the model worker starts."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from web.operate.downloads import Claim
from workers.model_downloads import run


class Command(BaseCommand):
    """Does what a claimed row asks for, and ends at once when the claim is lost."""

    help = "Started by the model worker for a download of the models page. To download a model: manage.py models get."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int)
        parser.add_argument("claim")

    def handle(self, *args: Any, **options: Any) -> None:
        """Blocks until the download is over. The process ends even while it waits for a hub that does not answer."""
        os.nice(10)  # chats go first
        run(Claim(options["id"], options["claim"]), lost=lambda: os._exit(1))
