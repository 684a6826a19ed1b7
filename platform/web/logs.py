"""The format of log lines, which hold text from outside: names, addresses, and what other servers sent."""

import logging
from typing import Final

_ESCAPED: Final = {
    code: f"\\u{code:04x}" for code in (*range(9), *range(11, 32), 0x7F, *range(0x80, 0xA0), 0x2028, 0x2029)
}


class LineFormatter(logging.Formatter):
    """Begins a line for a record only: all further lines of it are indented, so that no text can forge a record."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(_ESCAPED).replace("\n", "\n  ")
