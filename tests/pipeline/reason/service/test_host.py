"""Whose address it is."""

from __future__ import annotations

import pytest

from void_audit.pipeline.reason.service.host import host_of, is_local, is_loopback, way_to


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.255.254", "::1"])
def test_loopback(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["126.255.255.255", "128.0.0.1", "::", "fe80::1%eth0", "localhost", ""])
def test_no_loopback(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize("url", ["http://[127.0.0.1/v1", "http://[zz]/", "localhost:80", "http:///v1", ""])
def test_what_is_no_address_is_not_local(url: str) -> None:
    assert not is_local(url)


def test_hosts_are_named_with_their_port() -> None:
    assert host_of("https://[::1]:8080/v1") == "[::1]:8080"
    assert host_of("https://api.example/v1") == "api.example"


@pytest.mark.parametrize(
    ("url", "remote", "said"),
    [
        ("http://localhost/v1", False, "on this machine"),
        ("http://localhost/v1", True, "over the network"),
        ("https://api.example/v1", True, "over the network"),
        ("http://api.example/v1", True, "over the network, not encrypted,"),
    ],
)
def test_ways(url: str, remote: bool, said: str) -> None:
    assert way_to(url, remote) == said
