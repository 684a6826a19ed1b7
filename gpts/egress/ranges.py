"""Which addresses are on the public internet.

The ranges are those of Microsoft's AntiSSRF, the only one of six clients that blocked all of 96 attacks (measured
2026-11). Its own client is built on `requests`, without limits on time or bytes and without async support, so only
its ranges are used here; the IANA registries in Python must agree, and IPv4 addresses in IPv6 ones are checked too.
"""

import ipaddress
from collections.abc import Iterator
from typing import Final

from AntiSSRF import IPAddressRanges

from gpts.egress.urls import IpAddress

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# What AntiSSRF 1.0.0 lacks: the deprecated IPv4-compatible form and translations of it (RFC 4291, RFC 2765), and the
# metadata services of Oracle Cloud, Alibaba and AWS at addresses of their own.
_ALSO: Final = ("::/96", "::ffff:0:0:0/96", "192.0.0.192/32", "100.100.100.200/32", "fd00:ec2::254/128")
_CLOSED: Final = tuple(ipaddress.ip_network(each) for each in (*IPAddressRanges.recommended_latest, *_ALSO))
# Cloud metadata services, which give out a machine's keys, and addresses without servers. A host that the operator
# allows may be private, but not one of these: its name server could otherwise lead to the machine's own keys.
_NEVER: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("169.254.0.0/16", "fe80::/10", "168.63.129.16/32", "192.0.0.192/32", "100.100.100.200/32"),
        *("fd00:ec2::/32", "fd20:ce::254/128", "0.0.0.0/8", "::/128"),
        *("224.0.0.0/4", "ff00::/8", "255.255.255.255/32"),
    )
)
# Prefixes that embed an IPv4 address, and the number of bits to its right.
_CARRIERS: Final = (("::ffff:0:0/96", 0), ("::/96", 0), ("64:ff9b::/96", 0), ("2002::/16", 80))


def is_public(address: IpAddress) -> bool:
    """Whether `address` and every IPv4 address inside it are on the public internet."""
    return all(_is_public(each) for each in _with_embedded(address))


def is_never(address: IpAddress) -> bool:
    """Whether `address` is refused even for an allowed host."""
    return any(
        each.version == network.version and each in network for each in _with_embedded(address) for network in _NEVER
    )


def _with_embedded(address: IpAddress) -> Iterator[IpAddress]:
    """`address`, and the IPv4 addresses to which routers would translate it."""
    yield address
    # :: and ::1 look like IPv4 inside IPv6 but are not.
    if isinstance(address, ipaddress.IPv6Address) and int(address) > 1:
        for prefix, shift in _CARRIERS:
            if address in ipaddress.IPv6Network(prefix):
                yield ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF)
        if address.teredo:
            yield from address.teredo


def _is_public(address: IpAddress) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        # Only the IPv4 address inside counts: some systems write IPv4 in this form.
        return True
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address.version == network.version and address in network for network in _CLOSED)
