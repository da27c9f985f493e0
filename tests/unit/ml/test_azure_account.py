"""Addresses of Azure containers and where their credentials come from."""

from __future__ import annotations

import pytest

from ml.azure_account import EMULATOR_CREDENTIALS, AzurePlace
from ml.errors import StoreMisconfigured

KEY = "bm90IGEga2V5"
CONNECTION = (
    f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net"
)
HTTPS = "https://acme.blob.core.windows.net"


@pytest.mark.parametrize(
    ("address", "environment", "url", "credentials"),
    [
        (f"{HTTPS}/toban", {}, f"{HTTPS}/toban", {}),
        (f"{HTTPS}/toban/a/b/", {}, f"{HTTPS}/toban/a/b", {}),
        ("az://toban/a", {"AZURE_STORAGE_ACCOUNT_NAME": "acme"}, f"{HTTPS}/toban/a", {}),
        ("az://toban", {"AzureWebJobsStorage__accountName": "acme"}, f"{HTTPS}/toban", {}),
        ("az://toban", {"AzureWebJobsStorage": CONNECTION}, f"{HTTPS}/toban", {"account_key": KEY}),
        (f"{HTTPS}/toban", {"AzureWebJobsStorage": CONNECTION}, f"{HTTPS}/toban", {"account_key": KEY}),
        (f"{HTTPS}/toban", {"AZURE_STORAGE_ACCOUNT_KEY": KEY}, f"{HTTPS}/toban", {"account_key": KEY}),
        (f"{HTTPS}/toban", {"AZURE_STORAGE_SAS_TOKEN": "sv=1"}, f"{HTTPS}/toban", {"sas_key": "sv=1"}),
        (
            "az://toban",
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=acme;SharedAccessSignature=sv=1&sig=a%3D"},
            f"{HTTPS}/toban",
            {"sas_key": "sv=1&sig=a%3D"},
        ),
        (
            "az://toban",
            {"AZURE_STORAGE_CONNECTION_STRING": CONNECTION.replace("windows.net", "example")},
            "https://acme.blob.core.example/toban",
            {"account_key": KEY},
        ),
        (
            "https://other.blob.core.windows.net/toban",
            {"AzureWebJobsStorage": CONNECTION},
            "https://other.blob.core.windows.net/toban",
            {},
        ),
        (
            "http://127.0.0.1:10000/devstoreaccount1/toban",
            {},
            "http://127.0.0.1:10000/devstoreaccount1/toban",
            EMULATOR_CREDENTIALS,
        ),
        (
            "az://toban",
            {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
            "http://127.0.0.1:10000/devstoreaccount1/toban",
            EMULATOR_CREDENTIALS,
        ),
        (f"https://user:pass@{HTTPS[8:]}/toban?sv=secret", {}, f"{HTTPS}/toban", {}),
    ],
)
def test_an_address_names_container_and_credentials(
    address: str, environment: dict[str, str], url: str, credentials: dict[str, str]
) -> None:
    """The place is shown without secrets; the connection string counts for its own account only."""
    place = AzurePlace.of(address, environment)
    assert (place.url, place.credentials) == (url, credentials)
    assert KEY not in repr(place)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("az://toban", "AZURE_STORAGE_ACCOUNT_NAME"),
        ("https://acme.blob.core.windows.net/", "three characters"),
        ("https://acme.blob.core.windows.net/ab", "three characters"),
        ("https://example.org/toban", "/account/container"),
    ],
)
def test_an_address_that_cannot_work_says_why(address: str, named: str) -> None:
    """The error names what is missing."""
    with pytest.raises(StoreMisconfigured, match=named):
        AzurePlace.of(address, {})
