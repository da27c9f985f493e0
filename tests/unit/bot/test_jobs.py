"""A job's texts are such that every database takes them."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.jobs import Job


def test_texts_are_such_as_databases_take() -> None:
    """Zeros are left out and halves of characters replaced, wherever somebody typed them; numbers stay."""
    job = Job(
        flow_id="c-1",
        verb="show",
        model="a\x00b",
        words=("a\x00b", "\ud800"),
        inputs={"na\x00me": ["\udfff", 1.5, True, None]},
        typed="/ml show a\x00b \ud83d",
        user="U1",
        channel="C1",
        asked_at=datetime.now(UTC),
    )
    assert (job.model, job.words, job.typed) == ("ab", ("ab", "?"), "/ml show ab ?")
    assert job.inputs == {"name": ["?", 1.5, True, None]}
    assert Job.model_validate(job.model_dump(mode="json")) == job
