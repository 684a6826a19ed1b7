"""The Django site: pages, APIs, accounts and the database. Everything that uses Django is here."""
