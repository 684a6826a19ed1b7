"""The URLs of the MCP server and of its authorization server."""

from django.urls import path

from web.mcp import oauth_views, views

# The authorization server is where clients look for one whose metadata they have not read (MCP 2025-03-26), or not
# since they were restarted.
RESOURCE = ".well-known/oauth-protected-resource"

urlpatterns = [
    path("mcp", views.endpoint, name="mcp"),
    path(f"{RESOURCE}/mcp", oauth_views.resource_metadata, name="oauth_resource"),
    path(RESOURCE, oauth_views.resource_metadata, name="oauth_first_resource"),
    path(".well-known/oauth-authorization-server", oauth_views.server_metadata, name="oauth_server"),
    path("authorize", oauth_views.authorize, name="oauth_authorize"),
    path("token", oauth_views.token, name="oauth_token"),
    path("revoke", oauth_views.revoke, name="oauth_revoke"),
    path("register", oauth_views.register, name="oauth_register"),
]
