"""All URLs of the site. Each app lists its own."""

from django.urls import include, path

from web import static_files

urlpatterns = [
    path("", include("web.api.urls")),  # first, as most requests are of programs
    path("", include("web.store.urls")),
    path("", include("web.moderation.urls")),
    path("", include("web.notifications.urls")),
    path("", include("web.accounts.urls")),
    path("", include("web.builder.urls")),
    path("", include("web.chat.urls")),
    path("", include("web.runs.urls")),
    path("", include("web.schedules.urls")),
    path("", include("web.a2a.urls")),
    path("", include("web.mcp.urls")),
    path("scim/v2/", include("web.scim.urls")),
    path("", include("web.embed.urls")),
    path("", include("web.operate.urls")),
    path("", include("web.docs.urls")),
    path("account/", include("allauth.urls")),
    path("manifest.webmanifest", static_files.manifest, name="manifest"),
    path("static/<path:path>", static_files.redirect, name="static"),
]
