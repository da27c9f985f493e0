"""`python -m playground.gallery`: write docs/messages.md again, and with --pictures its pictures, too."""

from __future__ import annotations

import argparse
from pathlib import Path

from playground.gallery.page import PICTURES, written

DOCS = Path(__file__).resolve().parents[2] / "docs"


def main() -> None:
    """Write what the code says now."""
    parser = argparse.ArgumentParser(prog="python -m playground.gallery", description=__doc__)
    parser.add_argument("--pictures", action="store_true", help="also take the pictures, in Chromium")
    arguments = parser.parse_args()
    page = DOCS / "messages.md"
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    if arguments.pictures:
        # Playwright belongs to the tests; only taking pictures needs it.
        from playground.gallery.pictures import take

        take(DOCS / PICTURES)


if __name__ == "__main__":
    main()
