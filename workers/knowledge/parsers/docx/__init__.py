"""DOCX: Word documents."""
