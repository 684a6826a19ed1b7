"""A person lets a program act for them, with the keyboard alone, and their browser brings them back to it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest

from web.accounts import grants
from web.accounts.models import GrantToken, Program

pytestmark = pytest.mark.browser
BACK = "http://127.0.0.1/callback"


def program() -> Program:
    """A program that registered itself, for any port of the computer itself."""
    return grants.register("p-1", {"client_name": "Editor", "redirect_uris": [BACK]})


def question(back: str = BACK) -> str:
    """The address of the page that asks for it."""
    asked = {"client_id": "p-1", "redirect_uri": back, "response_type": "code", "code_challenge": "c" * 43}
    return f"/authorize?{urlencode(asked)}"


class Returned(BaseHTTPRequestHandler):
    """The program, to which the browser returns."""

    def log_message(self, *args: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """Any page, with an icon of its own: a browser that asks for one might find the program gone."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<link rel=icon href=data:,>Close this window.")


def test_a_program_is_allowed_by_keyboard_and_the_page_s_policy_lets_the_person_return(visitor, bob):
    program()
    with ThreadingHTTPServer(("127.0.0.1", 0), Returned) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        page = visitor.page(bob)
        page.goto(question(f"http://127.0.0.1:{server.server_port}/callback"))
        page.get_by_role("button", name="Allow").focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"http://127.0.0.1:{server.server_port}/callback?code=*")
        server.shutdown()
    assert GrantToken.objects.get().grant.user == bob
