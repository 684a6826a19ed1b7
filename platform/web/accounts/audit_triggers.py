"""The triggers of the database that keep the rows of the audit log as they were written."""

from typing import Final

_REFUSED: Final = "entries of the audit log are never changed"
# SQLite's REPLACE fires no trigger for the row that it takes the place of.
_SQLITE: Final = {
    "update": ("UPDATE", ""),
    "delete": ("DELETE", ""),
    "replace": ("INSERT", "WHEN NEW.id IN (SELECT id FROM accounts_audit)"),
}
CREATE: Final = {
    "sqlite": [
        f"CREATE TRIGGER audit_keeps_{name} BEFORE {verb} ON accounts_audit {when} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for name, (verb, when) in _SQLITE.items()
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
        "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()",
    ],
}
DROP: Final = {
    "sqlite": [f"DROP TRIGGER audit_keeps_{name}" for name in _SQLITE],
    "postgresql": ["DROP TRIGGER audit_keeps ON accounts_audit"],
}
