"""The operator's lists of what requests may reach."""

from dataclasses import dataclass

from gpts.egress.errors import EgressRefused
from gpts.egress.ranges import is_never
from gpts.egress.urls import target_of

USER_AGENT = "Guildhall/0.1 (reads single pages when a person asks for them)"


@dataclass(frozen=True, slots=True)
class EgressConfig:
    """The operator's lists; the default allows the public internet only.

    `allow`: hosts ("wiki.corp"), hosts with a port ("wiki.corp:8080"), addresses or networks ("10.1.0.0/16") that are
    allowed although they are private; "*." before a name means its subdomains. A host without a port is allowed at
    ports 80 and 443. A network opens no link-local or metadata address (`is_never`): these must be listed themselves.
    `deny`: hosts (with their subdomains), addresses and networks to refuse; it takes precedence.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    user_agent: str = USER_AGENT


def only_server(url: str) -> EgressConfig:
    """For the server at `url`, which an operator chose: it may be private, but no metadata service of this machine.

    Raises EgressRefused for an address of these (of names it is checked at each connection), and for what is no URL.
    """
    target = target_of(url)
    if target.address and is_never(target.address):
        raise EgressRefused(f"The address {target.address} isn't on the public internet.")
    host = f"[{target.host}]" if ":" in target.host else target.host
    return EgressConfig(allow=(f"{host}:{target.port}",))
