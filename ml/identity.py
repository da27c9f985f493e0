"""The managed identity of an Azure function app, as a credential provider for the object store.

obstore's built-in provider speaks to the virtual machines' endpoint, which a function app does not have.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict
from urllib.parse import urlencode, urlsplit

from ml.errors import StoreMisconfigured, StoreUnavailable

RESOURCE = "https://storage.azure.com/"
API_VERSION = "2019-08-01"
TIMEOUT_SECONDS = 5.0


class Token(TypedDict):
    """A bearer token and the aware time at which it ends."""

    token: str
    expires_at: datetime | None


@dataclass(frozen=True)
class ManagedIdentity:
    """Fetches a storage token whenever obstore asks; obstore keeps it until shortly before it ends.

    Source: https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
    """

    endpoint: str
    secret: str
    client_id: str | None = None

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> ManagedIdentity | None:
        """Return the identity that the function app's environment names, or None outside of one."""
        endpoint, secret = env.get("IDENTITY_ENDPOINT"), env.get("IDENTITY_HEADER")
        if not endpoint or not secret:
            return None
        return cls(endpoint, secret, env.get("AZURE_CLIENT_ID") or None)

    def __repr__(self) -> str:
        """Name the endpoint only; the header is a secret."""
        return f"ManagedIdentity({self.endpoint!r})"

    def __call__(self) -> Token:
        """Return a fresh token.

        Raises:
            StoreUnavailable: The endpoint did not answer in time.
            StoreMisconfigured: It answered that there is no such identity, or something else than a token.
        """
        status, body = self._ask()
        if status != http.client.OK:
            raise StoreMisconfigured(f"the managed identity endpoint answered {status}")
        try:
            answer = json.loads(body)
            return {
                "token": answer["access_token"],
                "expires_at": datetime.fromtimestamp(int(answer["expires_on"]), UTC),
            }
        except (ValueError, KeyError, TypeError) as error:
            raise StoreMisconfigured("the managed identity endpoint answered no token") from error

    def _ask(self) -> tuple[int, bytes]:
        parts = urlsplit(self.endpoint)
        query = {"resource": RESOURCE, "api-version": API_VERSION}
        if self.client_id:
            query["client_id"] = self.client_id
        # Always plain HTTP on the sandbox's own loopback, and never through a proxy.
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(
                "GET", f"{parts.path}?{urlencode(query)}", headers={"X-IDENTITY-HEADER": self.secret}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise StoreUnavailable(f"the managed identity endpoint did not answer: {error}") from error
        finally:
            connection.close()
