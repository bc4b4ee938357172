"""What a token is bound to: targets and networks. Pure."""

from __future__ import annotations

import ipaddress

from jupyter_govern_gateway.identity.tokens import Token


def network(text: str) -> str:
    """An address or network as CIDR; raises ValueError."""
    return str(ipaddress.ip_network(text.strip(), strict=False))


def opens(token: Token, target: str) -> bool:
    """Whether this token may open that target, as far as the token itself is concerned."""
    return not token.targets or target in token.targets


def is_taken_from(token: Token, address: str) -> bool:
    """Whether this token counts when it comes from that address; what is no address is in no network."""
    if not token.networks:
        return True
    try:
        there = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(there, "ipv4_mapped", None)
    return any((mapped or there) in ipaddress.ip_network(each) for each in token.networks)
