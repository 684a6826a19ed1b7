"""What a form without a script asks for, done or refused: the next page says which."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest


def attempt(
    request: HttpRequest, action: Callable[[], object], done: str = "", refusal: type[Exception] = ValidationError
) -> bool:
    """Do it and say `done`, if that is anything, or the text of the `refusal` that it raises. Whether it was done."""
    try:
        action()
    except refusal as error:
        messages.error(request, " ".join(getattr(error, "messages", [str(error)])))
        return False
    if done:
        messages.success(request, done)
    return True
