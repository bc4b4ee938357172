"""Whose request it is behind reverse proxies: X-Forwarded-For, as far as proxies of ours wrote it.

The header is a list that every proxy adds its own peer to, at the right; what stands further left than the first address that is no
proxy of ours, anybody may have written. (Forwarded, RFC 7239, section 8.1.)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

CLIENT: Final = web.RequestKey("client", str)
MAX_HOPS: Final = 20
"""Entries of the list that are looked at, from the right."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def behind(proxies: Sequence[str]) -> Middleware:
    """A middleware that notes whose request it is. proxies: networks as CIDR."""
    networks = [ipaddress.ip_network(each) for each in proxies]

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[CLIENT] = client(request.remote or "", request.headers.getall("X-Forwarded-For", []), networks)
        return await handler(request)

    return note


def client(remote: str, forwarded: Sequence[str], networks: Sequence[Network]) -> str:
    """The nearest address that is no proxy of ours. What cannot be read is not believed: then the last proxy before it stands for it."""
    found = remote
    hops = [hop for header in forwarded for hop in header.split(",")][-MAX_HOPS:]
    while _is_in(found, networks) and hops:
        address = _address(hops.pop())
        if address is None:
            break
        found = str(address)
    return found


def _is_in(text: str, networks: Sequence[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """Without a port, which some proxies add; an IPv4 address that was written as IPv6 is an IPv4 address."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address
