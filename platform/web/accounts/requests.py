"""What a view behind `login_required` is given."""

from django.http import HttpRequest

from web.accounts.models import User


class PersonRequest(HttpRequest):
    """A request whose user is a person and never anonymous."""

    user: User
