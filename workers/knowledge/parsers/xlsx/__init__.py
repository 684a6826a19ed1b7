"""XLSX: sheets."""
