"""Where the web view listens: `--web HOST:PORT` taken apart, and the sockets it asks for."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from typing import NamedTuple

from mgtta_cam.errors import OutputError, UsageError

LOOPBACK = "127.0.0.1"
REUSE = os.name == "posix"  # a port just left may be taken at once; elsewhere this would take one that is in use
OUTSIDE = "192.0.2.1"  # nobody's address (RFC 5737): the way there leads through the interface that others see
_SHAPE = re.compile(r"(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):)?([0-9]{1,5})", re.ASCII)


class Address(NamedTuple):
    """A place to listen at: a numeric IP address, and a port, of which 0 stands for any that is free."""

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
        """Whether it stands for all addresses of this machine."""
        return ipaddress.ip_address(self.ip).is_unspecified

    def __str__(self) -> str:
        """As it stands in a browser: an address that others can reach in the place of all of them."""
        ip = outward(self.family) if self.everywhere else self.ip
        return f"[{ip}]:{self.port}" if ":" in ip else f"{ip}:{self.port}"


def parse(text: str) -> Address:
    """HOST:PORT; without a host, this machine only.

    Raises:
        UsageError: if it cannot be read, or names no address.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None or int(match[2]) > 65535:
        raise UsageError(f"--web expects HOST:PORT, as in {LOOPBACK}:8080 (port 0: any free one); got {text!r}")
    host, port = (match[1] or LOOPBACK).strip("[]"), int(match[2])
    try:
        return Address(LOOPBACK if host == "localhost" else _numeric(host), port)
    except (OSError, UnicodeError, ValueError):
        raise UsageError(
            f"--web: {host} is no address of this machine; give one, or leave it out: --web :{port}"
        ) from None


def check(address: Address) -> None:
    """Sees that the address is free.

    Raises:
        OutputError: if it is not, or may not be used.
    """
    with socket.socket(address.family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(REUSE))
        try:
            trial.bind(address)
        except OSError as error:
            raise unusable(address, error) from None


def unusable(address: Address, error: OSError) -> OutputError:
    """What to say of an address that cannot be listened at."""
    why = error.strerror or str(error)
    return OutputError(f"--web {address} cannot be used: {why.lower()}; choose another, or port 0 for any free one")


def outward(family: socket.AddressFamily) -> str:
    """The address of this machine that others see; the loopback one where there is no network."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((OUTSIDE if family == socket.AF_INET else "2001:db8::1", 9))  # sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return LOOPBACK if family == socket.AF_INET else "::1"


def _numeric(host: str) -> str:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(ipaddress.ip_address(found[0][4][0]))
