"""Run inside the temporary site: Bob, his key, and a GPT of Alice's with a manual and a delegate; printed as JSON."""

import json

from tests.publishing import publish
from web.accounts.models import User
from web.accounts.services import create_key
from web.builder.files import add_file
from web.builder.models import DelegateRow
from web.builder.models_access import Sharing
from web.builder.services import create_gpt
from workers.indexing.files import index_next

MANUAL = b"The seal kit of the Zephyr-9 is ZP-771. Service the seal every 450 hours.\n"
TAXES = b"The yearly tax on pumps is 12 euros, due in March.\n"

alice = User.objects.create_user("alice@example.org", name="Alice")
bob = User.objects.create_user("bob@example.org", name="Bob")
clerk = create_gpt(alice, {"name": "Tax Clerk", "description": "Knows the taxes on pumps."})
doctor = create_gpt(alice, {"name": "Pump Doctor", "description": "Knows pumps.", "only_from_knowledge": True})
add_file(clerk, "taxes.md", [TAXES])
add_file(doctor, "manual.md", [MANUAL])
while index_next():
    pass
publish(clerk, Sharing.STORE)
DelegateRow.objects.create(gpt=doctor, delegate=clerk)
publish(doctor, Sharing.STORE)
print(json.dumps({"key": create_key(bob, "clients")[1], "model": doctor.slug}))
