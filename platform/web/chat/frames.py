"""Frames of a chat that are no part of the site: one runs the HTML and SVG of an answer, one draws its diagrams.

Such code may come from anyone: from a file, a page, another GPT. The frames have an origin of their own (`sandbox`,
on the element of the page and here, for whoever opens the address), so that no cookie, storage or page of the site is
theirs. They load nothing but what is in them: only a page of the site can put them in itself, only that page is
listened to, and its own policy (`frame-src`) keeps them from leaving for another site, with what they were sent.

How it breaks: code whose preview a person opened can still send something in two ways that no content policy covers
(seen with Chromium 150): WebRTC talks to the server that it names, and an attempt to navigate, though refused, looks
its host up and connects to it. `Connection-Allowlist` ends both where a browser knows it. A frame may also take the
focus, and navigate itself to an address of this site: without a session, and to no page but these two.
"""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

_ALWAYS: Final = {"X-DNS-Prefetch-Control": "off", "Referrer-Policy": "no-referrer"}
_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "style-src 'unsafe-inline'; "
)
ARTIFACT_POLICY: Final = (
    _POLICY + "script-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; font-src data:"
)
DIAGRAM_POLICY: Final = _POLICY + "script-src 'self'"


@xframe_options_sameorigin
@require_safe
def artifact(request: HttpRequest) -> HttpResponse:
    """An empty page that becomes the document which the page around it sends."""
    headers = {"Content-Security-Policy": ARTIFACT_POLICY, "Connection-Allowlist": "()"}
    return HttpResponse(render_to_string("chat/artifact_frame.html"), headers={**_ALWAYS, **headers})


@xframe_options_sameorigin
@require_safe
def diagram(request: HttpRequest) -> HttpResponse:
    """A page that draws the diagrams which the page around it sends."""
    headers = {"Content-Security-Policy": DIAGRAM_POLICY, "Connection-Allowlist": "(response-origin)"}
    return HttpResponse(render_to_string("chat/diagram_frame.html"), headers={**_ALWAYS, **headers})
