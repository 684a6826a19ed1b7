"""The ASGI entry point: `uvicorn web.asgi:application --app-dir platform`."""

import gc
import os

import django

from web.checks import stop_unless_valid

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
django.setup(set_prefix=False)

from web.api.errors import refusal  # noqa: E402 - they need Django's apps
from web.bodies import BodyLimits  # noqa: E402
from web.handler import Handler  # noqa: E402

application = BodyLimits(Handler(), refusal)
stop_unless_valid()
# What is loaded by now stays. To search it for garbage again and again would stop all requests for a quarter second.
gc.collect()
gc.freeze()
