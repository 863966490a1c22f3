"""Whose address it is: this machine's or another's."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """Host and port of an address, as errors and records name it."""
    return urlsplit(url).netloc


def way_to(url: str, remote: bool) -> str:
    """How a question gets there, for people who decide whether footage may."""
    if not remote:
        return "on this machine"
    open_line = urlsplit(url).scheme == "http" and not is_local(url)
    return "over the network, not encrypted," if open_line else "over the network"


def is_local(url: str) -> bool:
    """Whether what is sent to this address stays on this machine: 127.0.0.0/8, ::1, or ``localhost``.

    What a name stands for can change, so whoever connects checks the address that it got as well.
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # brackets that hold no address
        return False
    return host == "localhost" or is_loopback(host)


def is_loopback(address: str) -> bool:
    """Whether this is a loopback address, IPv4 or IPv6; names are not."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
