"""A person asks for two versions to be scored on the same rows."""

from __future__ import annotations

from bot.desk import Desk
from bot.flows.entry import admit, find_model
from bot.flows.refusals import refuse
from bot.flows.retrain import queue_run
from bot.flows.versions import version_number
from bot.jobs import Job


def compare(desk: Desk, job: Job) -> None:
    """Check who asks and which versions, then queue the comparison like a training run."""
    admit(desk, job)
    model = find_model(desk, job, fresh=True)
    if len(job.words) != 2:
        raise refuse("missing_argument", f"Name two versions: compare {model.name} v2 v1")
    first, second = (version_number(model, word) for word in job.words)
    if first == second:
        raise refuse("invalid_inputs", f"v{first} cannot be compared with itself; name two versions.")
    queue_run(desk, job, model.name, {"kind": "compare", "versions": [first, second]})
