"""What every test starts from: English, one torch thread, and no network."""

import os
import socket
from typing import Any

import pytest

os.environ["XLTRAIN_LANGUAGE"] = "en"
os.environ.setdefault("OMP_NUM_THREADS", "1")


class NetworkUsedError(AssertionError):
    """Something tried to open a connection."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command opens a network connection: every attempt to connect fails the test."""

    def refuse(*_: Any, **__: Any) -> None:
        raise NetworkUsedError("a test tried to open a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
