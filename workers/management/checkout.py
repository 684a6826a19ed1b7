"""For commands whose code is only in a checkout, not in the installed wheel."""

from argparse import ArgumentParser
from importlib.util import find_spec


def require_checkout(parser: ArgumentParser, package: str) -> None:
    """Exit with an error message if `package` is not installed."""
    if find_spec(package) is None:
        parser.error("This command needs a checkout of Guildhall: it is not part of the installed package.")
