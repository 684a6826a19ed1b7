"""ODT, ODS and ODP: text, sheets and slides of the OpenDocument format."""

from typing import Final

_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns"
OFFICE: Final = f"{{{_OASIS}:office:1.0}}"
TEXT: Final = f"{{{_OASIS}:text:1.0}}"
TABLE: Final = f"{{{_OASIS}:table:1.0}}"
DRAW: Final = f"{{{_OASIS}:drawing:1.0}}"
STYLE: Final = f"{{{_OASIS}:style:1.0}}"
PRESENTATION: Final = f"{{{_OASIS}:presentation:1.0}}"
SVG: Final = f"{{{_OASIS}:svg-compatible:1.0}}"
NUMBER: Final = f"{{{_OASIS}:datastyle:1.0}}"
LOEXT: Final = "{urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0}"
FO: Final = f"{{{_OASIS}:xsl-fo-compatible:1.0}}"
