"""The face of Guildhall: pages, accounts, tables. All Django and all ORM live here."""
