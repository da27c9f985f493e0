"""Which addresses are Slack's own, for what only Slack may get: answers to people, and the bot's token."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def is_slacks(url: str, api_url: str, hosts: Collection[str]) -> bool:
    """Return whether *url* is one of Slack's: one of *hosts* by https, on its usual port.

    Where the settings name another server for the Web API, that one is good as well, on any port: of a
    workspace on this machine, any address of this machine.
    """
    try:
        asked, api = urlsplit(url), urlsplit(api_url)
        host, port, api_host = asked.hostname or "", asked.port, api.hostname or ""
    except ValueError:  # a port that is no number, an address in brackets that is none
        return False
    if "@" in asked.netloc:
        return False
    if asked.scheme == "https" and host in hosts:
        return port in (None, 443)
    on_this_machine = is_this_machine(host) and is_this_machine(api_host)
    return asked.scheme == api.scheme and (host == api_host or on_this_machine)


def is_this_machine(host: str) -> bool:
    """Return whether a host's name or address leads back to this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
