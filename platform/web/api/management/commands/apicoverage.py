"""`manage.py apicoverage`: how much of OpenAI's API the site has."""

from typing import Any

from django.core.management.base import BaseCommand

from web.api.openai_coverage import coverage_table
from web.api.v1 import v1


class Command(BaseCommand):
    """Prints the table that stands in the documentation."""

    help = "Counts the operations of OpenAI's published document that /v1 has."

    def handle(self, **options: Any) -> None:
        """Print it."""
        self.stdout.write(coverage_table(v1.get_openapi_schema()))
