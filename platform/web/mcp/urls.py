"""The URLs of the MCP server and of its authorization server."""

from django.urls import path

from web.deferred_views import deferred

# The authorization server is where clients look for one whose metadata they have not read (MCP 2025-03-26), or not
# since they were restarted.
RESOURCE = ".well-known/oauth-protected-resource"

_OAUTH = "web.mcp.oauth_views"
_METADATA = deferred(f"{_OAUTH}.resource_metadata")

urlpatterns = [
    path("mcp", deferred("web.mcp.views.endpoint", is_async=True, csrf_exempt=True), name="mcp"),
    path(f"{RESOURCE}/mcp", _METADATA, name="oauth_resource"),
    path(RESOURCE, _METADATA, name="oauth_first_resource"),
    path(".well-known/oauth-authorization-server", deferred(f"{_OAUTH}.server_metadata"), name="oauth_server"),
    path("authorize", deferred(f"{_OAUTH}.authorize"), name="oauth_authorize"),
    path("token", deferred(f"{_OAUTH}.token", csrf_exempt=True), name="oauth_token"),
    path("revoke", deferred(f"{_OAUTH}.revoke", csrf_exempt=True), name="oauth_revoke"),
    path("register", deferred(f"{_OAUTH}.register", csrf_exempt=True), name="oauth_register"),
]
