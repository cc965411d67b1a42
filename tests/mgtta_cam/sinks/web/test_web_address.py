"""What --web accepts, and the errors for addresses that cannot be used."""

from __future__ import annotations

import socket

import pytest

from mgtta_cam.errors import OutputError, UsageError
from mgtta_cam.sinks.web.address import Address, check, parse
from tests.mgtta_cam.sinks.web.viewing import EVERYWHERE


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        (" localhost:0 ", Address("127.0.0.1", 0)),
        (":8080", Address("127.0.0.1", 8080)),
        ("8080", Address("127.0.0.1", 8080)),
        ("0.0.0.0:80", EVERYWHERE._replace(port=80)),
        ("[::1]:8080", Address("::1", 8080)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    """Without a host it is this machine's own."""
    assert parse(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "host", "http://127.0.0.1:8080", "1.2.3.4:99999", "::1:80", "a b:80", ":", "1:2:3", "127.0.0.1:８０", "[]:80"],
)
def test_no_addresses(text: str) -> None:
    """One line says what was expected."""
    with pytest.raises(UsageError, match=r"^--web"):
        parse(text)


def test_who_can_reach_it() -> None:
    """Loopback is private; all addresses at once are shown as one that others can reach."""
    assert [Address(ip, 1).private for ip in ("127.0.0.1", "127.0.0.2", "::1", "10.0.0.1")] == [True] * 3 + [False]
    assert not EVERYWHERE.private
    assert str(Address("::1", 80)) == "[::1]:80"
    assert not str(EVERYWHERE).startswith(EVERYWHERE.ip)


def test_a_port_in_use() -> None:
    """A port in use is detected before anything slow begins, and the error suggests another port."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OutputError, match="in use; choose another, or port 0"),
    ):
        check(Address(*taken.getsockname()))
    check(Address("127.0.0.1", 0))
