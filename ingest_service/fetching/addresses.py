"""Which network addresses are on the public internet. Pure."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_ALSO_REFUSED = (
    IPv4Network("168.63.129.16/32"),  # Azure's metadata, the only such service on a public address
    IPv4Network("192.0.0.0/24"),  # protocol assignments, Oracle's metadata among them; not private to every Python
    IPv4Network("192.88.99.0/24"),  # relays to IPv6
)


def is_public(address: str) -> bool:
    """False for private, loopback, link-local, multicast, reserved and metadata addresses, however wrapped in IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public4(parsed) if isinstance(parsed, IPv4Address) else _is_public6(parsed)


def _is_public4(address: IPv4Address) -> bool:
    refused = address.is_multicast or address.is_reserved or any(address in network for network in _ALSO_REFUSED)
    return address.is_global and not refused


def _is_public6(address: IPv6Address) -> bool:
    embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if address in _NAT64:
        embedded = IPv4Address(int(address) & 0xFFFFFFFF)
    if embedded is not None:
        return _is_public4(embedded)
    return address in _UNICAST and address.is_global and not address.is_reserved
