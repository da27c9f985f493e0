"""Requests to the object store: counted by the kind that Azure bills, and what they cost there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ml.objects import Entry, ObjectStore

PRICE_OF_10_000 = {"writes": 0.055, "lists": 0.055, "reads": 0.0044, "looks": 0.0044, "deletes": 0.0}
"""US dollars, hot tier, locally redundant, general-purpose v2: Microsoft's sample prices as of July 2024
(https://learn.microsoft.com/azure/storage/blobs/blob-storage-estimate-costs#sample-prices). Which request
is of which kind: https://learn.microsoft.com/azure/storage/blobs/map-rest-apis-transaction-categories
"""


def price(requests: Mapping[str, float], times: float = 1.0) -> float:
    """Return the dollars that *requests* by kind cost when they are made so many *times*."""
    return times * sum(number * PRICE_OF_10_000[kind] / 10_000 for kind, number in requests.items())


class CountingStore(ObjectStore):
    """An object store that counts the requests made to it, by kind.

    An append to a file of a folder counts as a write, as its group of predictions is one on a blob store. A
    list counts once; on Azure there is one request for each 5,000 names.
    """

    def __init__(self, store: ObjectStore) -> None:
        """Count what is asked of *store*."""
        self.__dict__.update(store.__dict__)
        self.requests: Counter[str] = Counter()

    def hurried(self) -> CountingStore:
        hurried = CountingStore(super().hurried())
        hurried.requests = self.requests
        return hurried

    def create(self, path: str, data: bytes, *args: Any, **kwargs: Any) -> None:
        self.requests["writes"] += 1
        super().create(path, data, *args, **kwargs)

    def append(self, path: str, data: bytes) -> None:
        self.requests["writes"] += 1
        super().append(path, data)

    def get(self, path: str, *args: Any, **kwargs: Any) -> bytes:
        self.requests["reads"] += 1
        return super().get(path, *args, **kwargs)

    def exists(self, path: str, *args: Any, **kwargs: Any) -> bool:
        self.requests["looks"] += 1
        return super().exists(path, *args, **kwargs)

    def entries(self, prefix: str) -> Iterator[Entry]:
        self.requests["lists"] += 1
        return super().entries(prefix)

    def folders(self, prefix: str) -> Sequence[str]:
        self.requests["lists"] += 1
        return super().folders(prefix)

    def delete(self, path: str) -> None:
        self.requests["deletes"] += 1
        super().delete(path)
