"""Commands that an installed wheel only lists by name: the code that they need stays in the checkout."""

from argparse import ArgumentParser
from importlib.util import find_spec


def require_checkout(parser: ArgumentParser, package: str) -> None:
    """Exits with an error message where `package` was left out of the installation."""
    if find_spec(package) is None:
        parser.error("This command needs a checkout of Guildhall: it is not part of the installed package.")
