"""ODT, ODS and ODP: text, sheets and slides of the OpenDocument format."""
