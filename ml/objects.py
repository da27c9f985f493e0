"""The object store: immutable objects reached by path, with put-if-absent as the only commit primitive.

This is the only module that knows obstore. One small class serves a folder, memory, Azure Blob, S3 and GCS;
which one it is follows from the address. Every error of the library is translated here, every call is
bounded in time. What the paths mean is said by the modules that own them (`registry`, `runs`,
`predictions`).
"""

from __future__ import annotations

import contextlib
import enum
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from obstore import exceptions
from obstore.store import AzureStore, GCSStore, LocalStore, MemoryStore, S3Store

from ml.azure_account import AzurePlace
from ml.errors import AlreadyExists, NotFound, StoreMisconfigured, StoreUnavailable
from ml.identity import ManagedIdentity

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, RetryConfig
    from obstore.store import ObjectStore as Backend

URL_SETTING = "TOBAN_STORE_URL"
LARGE = 1_000_000
"""Bytes from which an object is given the patient client."""


class Patience(enum.Enum):
    """How long one call may take: seconds to connect, seconds in all, repeats after a failure.

    obstore's own defaults (30 s, ten repeats, three minutes) would hold a request for minutes on a hanging
    store.
    """

    HURRIED = (1, 2, 0)
    USUAL = (2, 5, 2)
    PATIENT = (2, 60, 2)

    def client_options(self, *, allow_http: bool) -> ClientConfig:
        """Return obstore's client options for this patience."""
        connect, total, _ = self.value
        return {
            "connect_timeout": timedelta(seconds=connect),
            "timeout": timedelta(seconds=total),
            "allow_http": allow_http,
        }

    def retry_config(self) -> RetryConfig:
        """Return obstore's retry configuration (its back-off is jittered)."""
        _, total, retries = self.value
        return {
            "max_retries": retries,
            "retry_timeout": timedelta(seconds=total),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        }


class Entry(NamedTuple):
    """What a listing says of an object: its path, its bytes, and when it was last written."""

    path: str
    size: int
    at: datetime


class ObjectStore:
    """Objects by path, created once and never changed.

    Args:
        url: The address without secrets, for people and logs.
        connect: Builds the library's store for a patience; called once per patience, on first use.
        folder: The root folder where this is a folder store; such a store can also append.
        patience: That of calls which do not say otherwise.
    """

    def __init__(
        self,
        url: str,
        connect: Callable[[Patience], Backend],
        folder: Path | None = None,
        patience: Patience = Patience.USUAL,
    ) -> None:
        self.url = url
        self._patience = patience
        self.folder = folder
        self.can_append = folder is not None
        self._connect = connect
        self._backends: dict[Patience, Backend] = {}
        self._lock = threading.Lock()

    def hurried(self) -> ObjectStore:
        """Return the same store for callers whom people wait for: it is given up after two seconds."""
        return ObjectStore(self.url, self._connect, self.folder, Patience.HURRIED)

    def create(self, path: str, data: bytes, patience: Patience | None = None) -> None:
        """Write an object that does not exist yet.

        Raises:
            AlreadyExists: Somebody came first, or an earlier try of this very call did (its answer was lost
                and the library repeated it). Who must know compares the content.
            StoreUnavailable: The store did not confirm; whether the object exists is unknown.
        """
        self._require_root()
        chosen = patience or (Patience.PATIENT if len(data) >= LARGE else self._patience)
        try:
            # One request, never multipart: the parts of an upload do not honour mode "create".
            # The returned version is None and is not kept.
            self._backend(chosen).put(path, data, mode="create", use_multipart=False)
        except Exception as error:
            raise self._translate(error, path, writing=True) from error

    def get(self, path: str, patience: Patience | None = None) -> bytes:
        """Return an object's bytes.

        Raises:
            NotFound: There is no such object.
            StoreUnavailable: The store did not answer.
        """
        try:
            return bytes(self._backend(patience or self._patience).get(path).bytes())
        except Exception as error:
            raise self._translate(error, path) from error

    def exists(self, path: str) -> bool:
        """Return whether there is an object at *path*."""
        try:
            self._backend(self._patience).head(path)
        except Exception as error:
            translated = self._translate(error, path)
            if isinstance(translated, NotFound):
                return False
            raise translated from error
        return True

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the paths below *prefix* (whole path segments), in no order; as dear as a dozen reads."""
        for entry in self.entries(prefix):
            yield entry.path

    def entries(self, prefix: str) -> Iterator[Entry]:
        """Yield what there is below *prefix* with size and age; as dear as `list`, for it is the same."""
        try:
            for batch in self._backend(self._patience).list(prefix):
                for entry in batch:
                    yield Entry(entry["path"], entry["size"], entry["last_modified"])
        except Exception as error:
            raise self._translate(error, prefix) from error

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the folders right below *prefix*, in order; one list, however full they are."""
        try:
            found = self._backend(self._patience).list_with_delimiter(prefix)["common_prefixes"]
        except Exception as error:
            raise self._translate(error, prefix) from error
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def delete(self, path: str) -> None:
        """Remove an object, for housekeeping only; a missing one is success."""
        try:
            self._backend(self._patience).delete(path)
        except Exception as error:
            translated = self._translate(error, path)
            if not isinstance(translated, NotFound):
                raise translated from error

    def delete_folder(self, prefix: str) -> None:
        """Remove an empty folder, which only a folder store has; one that is not empty stays."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                (self.folder / prefix).rmdir()

    def append(self, path: str, data: bytes) -> None:
        """Append to a file of a folder store; returns when the operating system has taken all of it.

        A file has one writer. After StoreUnavailable its last line may be torn; begin a new line then.
        """
        if self.folder is None:
            raise StoreMisconfigured(f"{self.url} is not a folder and cannot append")
        try:
            descriptor = self._open_for_append(f"{self.folder}/{path}")
            try:
                remaining = memoryview(data)
                while remaining:
                    remaining = remaining[os.write(descriptor, remaining) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreUnavailable(f"{path}: {error.strerror or error}") from error

    def _backend(self, patience: Patience) -> Backend:
        backend = self._backends.get(patience)
        if backend is None:
            with self._lock:
                backend = self._backends.setdefault(patience, self._connect(patience))
        return backend

    def _open_for_append(self, target: str) -> int:
        """Return a descriptor of the file at *target*; its folder is looked at only where it is not there.

        Predictions are appended several thousand times a second, so that even a look costs a share of them.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(target, flags, 0o644)
        except FileNotFoundError:
            self._require_root()
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            return os.open(target, flags, 0o644)

    def _require_root(self) -> None:
        """A folder that went away (an unmounted disk) is out of reach; it must not be made anew, empty."""
        if self.folder is not None and not self.folder.is_dir():
            raise StoreUnavailable(f"the folder {self.folder} is gone")

    def _translate(self, error: Exception, path: str, *, writing: bool = False) -> Exception:
        """Turn the library's error into ours, with its first line only (the rest is Rust's debug output)."""
        summary = str(error).split("\n", 1)[0]
        match error:
            case exceptions.AlreadyExistsError():
                return AlreadyExists(path)
            case FileNotFoundError() | exceptions.NotFoundError() if not writing:
                if self.folder is not None and not self.folder.is_dir():
                    return StoreUnavailable(f"the folder {self.folder} is gone")
                return NotFound(path)
            case exceptions.UnauthenticatedError() | exceptions.PermissionDeniedError() | PermissionError():
                return StoreMisconfigured(f"{self.url} refuses our credentials: {summary}")
            case ValueError():
                return StoreMisconfigured(f"{path} cannot be a path in a store: {summary}")
            case exceptions.BaseError() | OSError():
                return StoreUnavailable(f"{path}: {summary}")
            case _:
                return error


# --- addresses --------------------------------------------------------------------------------------------

_memories: dict[str, MemoryStore] = {}
_memories_lock = threading.Lock()


def open_store(url: str | None = None, env: Mapping[str, str] = os.environ) -> ObjectStore:
    """Open the store at *url*, or at `TOBAN_STORE_URL`; no request is made yet (see `probe_store`).

    Addresses: a folder as a plain path or `file:///…`; `memory://name` (one per process and name);
    `az://container[/prefix]`, `https://ACCOUNT.blob.core.windows.net/container[/prefix]`,
    `http://127.0.0.1:10000/devstoreaccount1/container` (the Azurite emulator); `s3://bucket[/prefix]`;
    `gs://bucket[/prefix]`. Credentials come from the environment, never from the address.

    Raises:
        StoreMisconfigured: The address is missing or not understood, or no credentials fit it.
    """
    address = url or env.get(URL_SETTING, "")
    if not address:
        raise StoreMisconfigured(f"no address of a store: set {URL_SETTING}")
    scheme = urlsplit(address).scheme if "://" in address else ""
    match scheme:
        case "" | "file":
            return _open_folder(address)
        case "memory":
            return _open_memory(address)
        case "az" | "https" | "http":
            return _open_azure(address, env)
        case "s3" | "gs":
            return _open_bucket(address, scheme)
        case _:
            raise StoreMisconfigured(
                f"{scheme}:// is no kind of store; known are file, memory, az, https, s3, gs"
            )


def probe_store(store: ObjectStore) -> None:
    """Prove that the store refuses a second create of one path; everything else here rests on that.

    Raises:
        StoreMisconfigured: It took both, or what it took cannot be read back.
        StoreUnavailable: It did not answer.
    """
    path = f"probe/{uuid.uuid4().hex}"
    store.create(path, b"first")
    try:
        store.create(path, b"second")
    except AlreadyExists:
        if store.get(path) != b"first":
            raise StoreMisconfigured(f"{store.url} changed an object that it refused to write") from None
    else:
        raise StoreMisconfigured(f"{store.url} lets an object be written twice; it cannot keep a history")
    finally:
        store.delete(path)


def _open_folder(address: str) -> ObjectStore:
    path = unquote(urlsplit(address).path) if address.startswith("file://") else address
    folder = Path(path).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreMisconfigured(f"{folder} cannot be a store: {error.strerror}") from error
    return ObjectStore(folder.as_uri(), lambda patience: LocalStore(folder), folder)


def _open_memory(address: str) -> ObjectStore:
    with _memories_lock:
        backend = _memories.setdefault(urlsplit(address).netloc, MemoryStore())
    return ObjectStore(address, lambda patience: backend)


def _open_bucket(address: str, scheme: str) -> ObjectStore:
    def connect(patience: Patience) -> Backend:
        options = patience.client_options(allow_http=False)
        retry = patience.retry_config()
        if scheme == "s3":
            return S3Store.from_url(address, client_options=options, retry_config=retry)
        return GCSStore.from_url(address, client_options=options, retry_config=retry)

    return ObjectStore(address, connect)


def _open_azure(address: str, env: Mapping[str, str]) -> ObjectStore:
    place = AzurePlace.of(address, env)
    config = {"account_name": place.account, "container_name": place.container}
    provider: ManagedIdentity | None = None
    if place.endpoint:
        config["endpoint"] = place.endpoint
    config.update(place.credentials)
    if not place.credentials:
        provider = ManagedIdentity.from_environment(env)

    def connect(patience: Patience) -> Backend:
        return AzureStore(
            prefix=place.prefix or None,
            config=cast("AzureConfig", config),
            client_options=patience.client_options(allow_http=place.allow_http),
            retry_config=patience.retry_config(),
            credential_provider=provider,
        )

    return ObjectStore(place.url, connect)
