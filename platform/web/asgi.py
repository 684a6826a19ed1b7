"""The ASGI entry point: `uvicorn web.asgi:application --app-dir platform`."""

import gc
import os

import django

# Collecting after every 700 new objects took a quarter of the start and a tenth of a request (2026-11-28).
gc.set_threshold(50_000, 20, 20)

from web.checks import stop_unless_valid  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
django.setup(set_prefix=False)

from web.api.errors import refusal  # noqa: E402 - they need Django's apps
from web.bodies import BodyLimits  # noqa: E402
from web.handler import Handler  # noqa: E402
from web.pulse import start_pulse  # noqa: E402
from web.static_files import collect  # noqa: E402

collect()
application = BodyLimits(Handler(), refusal)
stop_unless_valid()
# What is loaded by now stays. To search it for garbage again and again would stop all requests for a quarter second.
gc.collect()
gc.freeze()
start_pulse()
