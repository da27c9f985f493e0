"""The Azurite fixture: what tests on it rely on."""

from __future__ import annotations

import http.client

import pytest

from tests.parts import Azurite

pytestmark = pytest.mark.azurite


def test_each_test_has_a_container_of_its_own(azurite: Azurite) -> None:
    """Two containers have two addresses on loopback."""
    first, second = azurite.create_container(), azurite.create_container()
    assert first != second
    assert first.startswith("http://127.0.0.1:")


def test_the_key_is_checked(azurite: Azurite) -> None:
    """A request that is signed with another key is refused."""
    stranger = Azurite(azurite.blob_url, azurite.queue_url, azurite.table_url, "bm90IHRoZSBrZXk=")
    status = stranger.request("PUT", azurite.blob_url, "/stranger", {"restype": "container"})
    assert status == http.client.FORBIDDEN
