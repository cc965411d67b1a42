"""Where the web view listens: parse `--web HOST:PORT` and check that the address is usable."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from typing import NamedTuple

from mgtta_cam.errors import OutputError, UsageError

LOOPBACK = "127.0.0.1"
REUSE = os.name == "posix"  # reuse a port just released; on Windows the option would take over ports in use
OUTSIDE = "192.0.2.1"  # reserved for documentation (RFC 5737); its route uses the outward interface
_SHAPE = re.compile(r"(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):)?([0-9]{1,5})", re.ASCII)


class Address(NamedTuple):
    """A numeric IP address and a port to listen on; port 0 stands for any free port."""

    ip: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        """IPv4 or IPv6."""
        return socket.AF_INET6 if ":" in self.ip else socket.AF_INET

    @property
    def private(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.ip).is_loopback

    @property
    def everywhere(self) -> bool:
        """Whether it stands for all addresses of this machine, such as 0.0.0.0."""
        return ipaddress.ip_address(self.ip).is_unspecified

    def __str__(self) -> str:
        """HOST:PORT as typed into a browser; for a wildcard address, one that others can reach."""
        ip = outward(self.family) if self.everywhere else self.ip
        return f"[{ip}]:{self.port}" if ":" in ip else f"{ip}:{self.port}"


def parse(text: str) -> Address:
    """Parse HOST:PORT; without a host, the address is reachable from this machine only.

    Raises:
        UsageError: if the text is malformed, or the host is not an address.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None or int(match[2]) > 65535:
        raise UsageError(f"--web expects HOST:PORT, such as {LOOPBACK}:8080 (port 0: any free port); got {text!r}")
    host, port = (match[1] or LOOPBACK).strip("[]"), int(match[2])
    try:
        return Address(LOOPBACK if host == "localhost" else _numeric(host), port)
    except (OSError, UnicodeError, ValueError):
        raise UsageError(
            f"--web: {host} is not an address of this machine; use one that is, or omit it: --web :{port}"
        ) from None


def check(address: Address) -> None:
    """Check that the address is free.

    Raises:
        OutputError: if it is in use, or may not be used.
    """
    with socket.socket(address.family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(REUSE))
        try:
            trial.bind(address)
        except OSError as error:
            raise unusable(address, error) from None


def unusable(address: Address, error: OSError) -> OutputError:
    """The error for an address that the server cannot listen on."""
    why = error.strerror or str(error)
    return OutputError(f"--web {address} cannot be used: {why.lower()}; choose another, or port 0 for any free port")


def outward(family: socket.AddressFamily) -> str:
    """This machine's address as seen by others; the loopback address if there is no network."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((OUTSIDE if family == socket.AF_INET else "2001:db8::1", 9))  # sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return LOOPBACK if family == socket.AF_INET else "::1"


def _numeric(host: str) -> str:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(ipaddress.ip_address(found[0][4][0]))
