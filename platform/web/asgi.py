"""The ASGI entry point: `uvicorn web.asgi:application --app-dir platform`."""

import os

from django.core.asgi import get_asgi_application

from web.checks import stop_unless_valid

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
application = get_asgi_application()
stop_unless_valid()
