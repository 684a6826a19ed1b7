#!/usr/bin/env python3
"""Django's command line for Guildhall. `platform/` is a source root: appended, so that it shadows nothing."""

import gc
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    gc.set_threshold(50_000, 20, 20)  # as in web/asgi.py: a quarter of what most commands take
    os.umask(0o077)  # the database, logs and files are for the site's own user
    sys.path.append(str(Path(__file__).resolve().parent / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
    if sys.argv[1:2] == ["parse"]:  # without the site, whose loading takes longer than reading a file
        from django.conf import settings

        from workers.management.commands.parse import Command

        settings.configure()
        Command().run_from_argv(sys.argv)
        sys.exit()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
