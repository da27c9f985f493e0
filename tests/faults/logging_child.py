"""A process that logs predictions from many threads and tells each confirmed id, until it is killed."""

from __future__ import annotations

import json
import os
import sys
import threading

from ml.objects import open_store
from ml.predictions import PredictionLog
from tests.contracts.logged import MODEL, record


def main(url: str, environment: str, threads: int) -> None:
    """Log without end."""
    log = PredictionLog(open_store(url, json.loads(environment)))

    def work(first: int) -> None:
        n = first
        while True:
            submission = log.submit(MODEL, [record(n)])
            if submission.taken.result():
                # One write each, so that the lines of the threads do not mix.
                os.write(sys.stdout.fileno(), f"{submission.ids[0]} {n}\n".encode())
            n += threads

    for first in range(threads):
        threading.Thread(target=work, args=(first,), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
