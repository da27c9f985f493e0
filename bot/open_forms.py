"""The forms that people have open: each kept under its digest, so that any process can judge a submission."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bot.databases import claim
from bot.forms import Form
from bot.tables import forms, utc_now

MOST_REMEMBERED = 200


class OpenForms:
    """The table behind verbs, with the latest forms in memory; safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Form] = OrderedDict()

    def keep(self, form: Form) -> str:
        """Keep *form* and return its digest; one that is there already is as new."""
        digest = form.digest
        mine = forms.c.digest == digest
        with self._engine.begin() as connection:
            found = connection.execute(sa.update(forms).where(mine).values(used_at=utc_now())).rowcount
        if not found:
            self._insert(digest, form)
        self._remember(digest, form)
        return digest

    def find(self, digest: str) -> Form | None:
        """Return the form with this digest, or None where it was deleted or never was."""
        with self._lock:
            known = self._known.get(digest)
        if known is not None:
            return known
        with self._engine.connect() as connection:
            text = connection.execute(sa.select(forms.c.form).where(forms.c.digest == digest)).scalar()
        if text is None:
            return None
        form = Form.model_validate_json(text)
        self._remember(digest, form)
        return form

    def delete_before(self, moment: datetime) -> None:
        """Delete the forms that nobody opened since *moment*."""
        before = moment.astimezone(UTC).replace(tzinfo=None)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(forms).where(forms.c.used_at < before))

    def _insert(self, digest: str, form: Form) -> None:
        row = {"digest": digest, "form": form.model_dump_json(), "used_at": utc_now()}
        claim(self._engine, forms, **row)  # else another process kept it just now

    def _remember(self, digest: str, form: Form) -> None:
        with self._lock:
            self._known[digest] = form
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
