"""The SDK's server with the handlers of this site."""

from typing import Any, Final

from django.conf import settings
from django.utils.crypto import salted_hmac
from mcp.server import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp_types import NotificationParams

from web.mcp.asking import call_tool
from web.mcp.callers import caller_of
from web.mcp.offers import INPUT_SCHEMA, get_prompt, list_prompts, list_tools
from web.mcp.resources import list_resources, list_templates, read_resource
from web.mcp.watching import initialized, listen

NAME: Final = "guildhall"
INSTRUCTIONS: Final = (
    "Each tool asks one GPT of this site, which answers from its own instructions and files. Pass on its citations."
    " Send the conversation’s id with the next question to go on."
)
# How long an approval may take whose request was sent in a result.
APPROVAL_S: Final = 24 * 60 * 60


class GuildhallServer(Server[Any]):
    """The SDK's server, whose lists change."""

    def create_initialization_options(
        self, notification_options: NotificationOptions | None = None, *args: Any, **options: Any
    ) -> InitializationOptions:
        """What a client of an earlier version hears of the server."""
        return super().create_initialization_options(NotificationOptions(True, True, True), *args, **options)


def build() -> Server[Any]:
    """The server."""
    server = GuildhallServer(
        NAME,
        version="1",
        title=settings.SITE_NAME,
        website_url=settings.SITE_URL,
        instructions=INSTRUCTIONS,
        get_tool_input_schema=lambda _: INPUT_SCHEMA,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscriptions_listen=listen,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )
    server.add_notification_handler("notifications/initialized", NotificationParams, initialized)
    key = salted_hmac("web.mcp.server", "request state", algorithm="sha256").digest()
    security = RequestStateSecurity(
        keys=[key], ttl=APPROVAL_S, bind_principal=lambda context: str(caller_of(context).user.pk)
    )
    server.middleware.append(RequestStateBoundary(security, default_audience=NAME))
    return server
