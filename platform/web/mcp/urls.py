"""The URL of the MCP server."""

from django.urls import path

from web.mcp import views

urlpatterns = [path("mcp", views.endpoint, name="mcp")]
