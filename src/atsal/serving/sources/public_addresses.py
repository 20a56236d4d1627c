"""Which addresses belong to the public internet, so that no request reaches what is near the service."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_WITH_IPV4 = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))  # mapped; behind a NAT64
_OTHERS = tuple(
    map(
        ipaddress.ip_network,
        (
            "::/96",  # IPv4-compatible
            "64:ff9b:1::/48",  # local NAT64
            "2001::/23",  # Teredo and other special ranges
            "2002::/16",  # 6to4, which holds an IPv4 address
            "3fff::/20",  # for documentation
            "fec0::/10",  # local to a site
            "192.88.99.0/24",  # relays of 6to4
        ),
    )
)


def is_public(text: str) -> bool:
    """Whether an address is a public one of one host; an IPv6 address that stands for an IPv4 one is as that one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False  # with a zone, as fe80::1%eth0, or none at all
    if isinstance(address, ipaddress.IPv6Address) and any(address in network for network in _WITH_IPV4):
        address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not special and not any(_is_in(address, network) for network in _OTHERS)


def _is_in(address: Address, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return address.version == network.version and address in network
