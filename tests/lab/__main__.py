"""`python -m tests.lab NAME`, in a checkout: one measurement of what Guildhall answers, finds or lets through."""

import os
import sys
from pathlib import Path

import django

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[2] / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
    django.setup()
    from tests.lab.command import Lab

    Lab().run_from_argv(["python -m", "tests.lab", *sys.argv[1:]])
