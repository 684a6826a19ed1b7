"""The ASGI entry point: `uvicorn web.asgi:application --app-dir platform`."""

import os

from django.core.asgi import get_asgi_application

from web.checks import stop_unless_valid

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
_django = get_asgi_application()

from web.bodies import BodyLimits  # noqa: E402 - it needs Django's apps

application = BodyLimits(_django)
stop_unless_valid()
