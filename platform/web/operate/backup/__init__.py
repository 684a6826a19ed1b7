"""Backups of the site: one file with the database, all stored files and the sealed keys, and how it is restored."""
