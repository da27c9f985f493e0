"""Where an Azure container is and with which credentials it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ml.errors import StoreMisconfigured

CONNECTION_SETTINGS = ("AZURE_STORAGE_CONNECTION_STRING", "AzureWebJobsStorage")
KEY_SETTINGS = ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY")
ACCOUNT_SETTINGS = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT", "AzureWebJobsStorage__accountName")
SAS_SETTINGS = ("AZURE_STORAGE_SAS_TOKEN",)

EMULATOR_ACCOUNT = "devstoreaccount1"
EMULATOR_CREDENTIALS = {"use_emulator": "true"}
"""obstore knows the emulator's published key; it looks for the emulator at port 10000."""


@dataclass(frozen=True)
class AzurePlace:
    """A container (and a prefix in it), its account, and obstore's configuration keys for the credentials.

    Without credentials the managed identity is used, or else what obstore finds in the environment.
    """

    account: str
    container: str
    prefix: str = ""
    endpoint: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def allow_http(self) -> bool:
        """Whether the address is plain HTTP, as only an emulator's is."""
        return self.endpoint is not None and self.endpoint.startswith("http://")

    @property
    def url(self) -> str:
        """The address without secrets."""
        base = self.endpoint or f"https://{self.account}.blob.core.windows.net"
        return "/".join(part for part in (base, self.container, self.prefix) if part)

    @classmethod
    def of(cls, address: str, env: Mapping[str, str]) -> AzurePlace:
        """Read an address with the environment's account and credentials.

        Raises:
            StoreMisconfigured: No account or no container can be made out.
        """
        connection = _connection(env)
        place = _az(address, env, connection) if address.startswith("az://") else _http(address)
        if not place.account:
            raise StoreMisconfigured(f"{address} names no account: set {ACCOUNT_SETTINGS[0]}")
        if len(place.container) < 3:
            # https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
            raise StoreMisconfigured(f"{address}: a container's name has at least three characters")
        credentials = _credentials(place, env, connection)
        return cls(place.account, place.container, place.prefix, place.endpoint, credentials)


def read_connection_string(text: str) -> dict[str, str]:
    """Return the `name=value` pairs of a storage connection string; an empty text has none.

    Source: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    """
    pairs = (part.split("=", 1) for part in text.split(";") if "=" in part)
    return {name.strip(): value.strip() for name, value in pairs}


def _first(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((env[name] for name in names if env.get(name)), "")


def _connection(env: Mapping[str, str]) -> dict[str, str]:
    values = read_connection_string(_first(env, CONNECTION_SETTINGS))
    if values.get("UseDevelopmentStorage", "").lower() == "true":
        return {
            "AccountName": EMULATOR_ACCOUNT,
            "BlobEndpoint": f"http://127.0.0.1:10000/{EMULATOR_ACCOUNT}",
        }
    return values


def _az(address: str, env: Mapping[str, str], connection: Mapping[str, str]) -> AzurePlace:
    parts = urlsplit(address)
    account = connection.get("AccountName") or _first(env, ACCOUNT_SETTINGS)
    endpoint = connection.get("BlobEndpoint", "").rstrip("/") or None
    suffix = connection.get("EndpointSuffix", "core.windows.net")
    if endpoint is None and suffix != "core.windows.net":
        endpoint = f"https://{account}.blob.{suffix}"
    return AzurePlace(account, parts.netloc, parts.path.strip("/"), endpoint)


def _http(address: str) -> AzurePlace:
    """`https://ACCOUNT.blob.…/container/prefix`, or an emulator's `http://host:port/ACCOUNT/container/prefix`."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    segments = [segment for segment in parts.path.split("/") if segment]
    if ".blob." in host:
        account = host.split(".", 1)[0]
        container, prefix = "".join(segments[:1]), "/".join(segments[1:])
        return AzurePlace(account, container, prefix, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    if len(segments) < 2:
        raise StoreMisconfigured(
            f"{host}: an address without a host of blob storage needs /account/container"
        )
    endpoint = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{segments[0]}"
    return AzurePlace(segments[0], segments[1], "/".join(segments[2:]), endpoint)


def _credentials(
    place: AzurePlace, env: Mapping[str, str], connection: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the connection string's credentials if it is for this account, else the environment's own."""
    if connection.get("AccountName") == place.account:
        if key := connection.get("AccountKey"):
            return {"account_key": key}
        if sas := connection.get("SharedAccessSignature"):
            return {"sas_key": sas}
    if key := _first(env, KEY_SETTINGS):
        return {"account_key": key}
    if sas := _first(env, SAS_SETTINGS):
        return {"sas_key": sas}
    return EMULATOR_CREDENTIALS if place.account == EMULATOR_ACCOUNT else {}
