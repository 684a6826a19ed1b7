"""The rules for the hosts, ports and addresses that requests may go to."""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from gpts.egress.config import EgressConfig
from gpts.egress.errors import EgressRefused
from gpts.egress.ranges import IpNetwork, is_never, is_public
from gpts.egress.urls import PORTS, IpAddress, Target, target_of

# Names that are never on the public internet (RFC 2606, 6761, 6762, 7686, 8375, 9476; ICANN's .internal), and
# common unofficial names of home and company networks.
_PRIVATE_NAMES: Final = (
    *("internal", "local", "localhost", "localdomain", "home.arpa", "lan", "intranet", "corp", "home", "private"),
    *("onion", "test", "invalid", "example", "alt", "in-addr.arpa", "ip6.arpa"),
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of an operator's list: a host with a port (0: the defaults), or a network."""

    host: str = ""
    port: int = 0
    network: IpNetwork | None = None

    def names(self, host: str, *, and_below: bool) -> bool:
        """Whether the entry applies to `host`."""
        if self.host.startswith("*."):
            return host.endswith(self.host[1:])
        return bool(self.host) and (host == self.host or (and_below and host.endswith("." + self.host)))

    def holds(self, address: IpAddress) -> bool:
        """Whether `address` is in the network."""
        return self.network is not None and address.version == self.network.version and address in self.network

    def opens(self, address: IpAddress) -> bool:
        """The same of a network to allow, which opens a metadata service or link-local address only by itself."""
        return self.holds(address) and (not is_never(address) or self.network == ipaddress.ip_network(address))


class Guard:
    """Decides for one EgressConfig. Each method raises EgressRefused with a message for people.

    `ports` are those that need no leave of the operator: those of the web, unless a caller speaks something else.
    """

    def __init__(self, config: EgressConfig, ports: Collection[int] = tuple(PORTS.values())) -> None:
        self.config = config
        self._ports = ports
        self._allow = tuple(_entry(each) for each in config.allow)
        self._deny = tuple(_entry(each) for each in config.deny)

    def target(self, url: str) -> Target:
        """`url` normalised, if its scheme, host and port are allowed; the addresses of names are checked later."""
        target = target_of(url)
        self.check_host(target.host, target.port)
        if target.address is not None:
            self.check_addresses(target.host, target.port, [target.address])
        return target

    def check_host(self, host: str, port: int) -> None:
        """Refuse hosts that are denied or not public names, and ports that are not allowed."""
        if any(entry.names(host, and_below=True) and entry.port in (0, port) for entry in self._deny):
            raise EgressRefused(f"This site doesn't allow requests to {host}.")
        if self._is_allowed(host, port):
            return
        if port not in self._ports:
            raise EgressRefused(f"Port {port} isn't allowed, only {' and '.join(map(str, self._ports))}.")
        if not _is_address(host) and not self._is_named(host) and _is_private_name(host):
            raise EgressRefused(f"{host} isn't on the public internet.")

    def check_addresses(self, host: str, port: int, addresses: Sequence[IpAddress]) -> None:
        """Refuse if any of the addresses of `host` is denied or not public."""
        for address in addresses:
            if any(entry.holds(address) for entry in self._deny):
                raise EgressRefused(f"This site doesn't allow requests to {address}.")
            named = (str(address), port)
            if any(entry.opens(address) or (entry.host, entry.port) == named for entry in self._allow):
                continue
            if self._is_allowed(host, port) and not is_never(address):
                continue
            if not is_public(address):
                raise EgressRefused(f"The address {address} isn't on the public internet.")

    def _is_allowed(self, host: str, port: int) -> bool:
        return any(
            entry.names(host, and_below=False) and (entry.port == port or (not entry.port and port in PORTS.values()))
            for entry in self._allow
        )

    def _is_named(self, host: str) -> bool:
        """Whether `host` is checked by its addresses only, because the operator allowed private networks."""
        return "." in host and any(entry.network is not None for entry in self._allow)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_private_name(host: str) -> bool:
    return "." not in host or host.endswith(tuple("." + name for name in _PRIVATE_NAMES))


def _entry(text: str) -> _Entry:
    """A line of an operator's list. Raises ValueError if it is malformed."""
    text = text.strip().lower()
    try:
        return _Entry(network=ipaddress.ip_network(text, strict=False))
    except ValueError:
        star, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    try:
        if "/" in name:
            raise EgressRefused("A path is no part of a host.")
        target = target_of(f"http://{name}/")
    except EgressRefused as error:
        raise ValueError(f"{text!r} is neither a host, a host with a port, nor a network") from error
    # A written port 80 is explicit, but the URL parser drops it as http's default.
    port = target.port if name.rsplit(":", 1)[-1].isdigit() and ":" in name.rsplit("]", 1)[-1] else 0
    return _Entry(host=star + target.host, port=port)
