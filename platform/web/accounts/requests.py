"""The request of views behind `login_required`."""

from django.http import HttpRequest

from web.accounts.models import User


class PersonRequest(HttpRequest):
    """A request whose user is a person and never anonymous."""

    user: User
