"""Predictions: each rung of the ladder, many rows, files, and a logged one read back."""

from __future__ import annotations

from typing import Any

from bot.csv_files import Table
from bot.messages import batches, predictions
from bot.messages.batches import BatchRow
from ml.contract import FieldProblem, PredictionView, PredictReply, Problem, RowAnswer
from ml.contract import Warning as RowWarning
from playground.gallery.records import AT, CHANNEL, DIGEST, OPERATOR, alias, answer, job, model
from playground.gallery.sample import Chapter, Sample

MODEL = model()
JOB = job(
    "predict",
    "/ml predict arrival-delay flight=UA1545 date=2013-07-04",
    inputs={"flight": "UA1545", "date": "2013-07-04"},
)
BAD_CARRIER = Problem(
    title="Unprocessable",
    status=422,
    detail="Two of the inputs cannot be used.",
    reason_code="invalid_inputs",
    errors=(
        FieldProblem(
            field="carrier", value="ZZ", allowed="one of UA, AA, B6 or DL", message="it is no carrier"
        ),
        FieldProblem(field="date", value=None, allowed="a date like 2013-07-04", message=""),
    ),
)
REFUSED = answer(
    outcome="refused",
    value=None,
    interval=None,
    source="none",
    version=None,
    data_version=None,
    filled_in={},
    reason_code="invalid_inputs",
    problem=BAD_CARRIER,
)
LESS_SURE = answer(
    warnings=(RowWarning(code="outside", field="wind", message="more wind than in the training data"),),
)
PREVIOUS = answer(source="previous_champion", fallback=True, reason_code="model_file_damaged")
RULE = answer(
    outcome="fallback",
    value=21.0,
    interval=None,
    source="rule",
    version=None,
    data_version=None,
    fallback=True,
    reason_code="no_champion",
)
UNSURE = answer(
    outcome="abstain",
    reason_code="interval_too_wide",
    safe_action="plan with the timetable",
    interval={"low": -41.0, "high": 122.0, "coverage": 0.9},
)
NOTHING_TO_DO = answer(
    outcome="no_action",
    value=None,
    interval=None,
    source="none",
    version=None,
    data_version=None,
    filled_in={},
    reason_code="outside_training_range",
    safe_action="ask the airline",
)
LABEL = answer(value="on time", unit=None, interval=None, confidence=0.83)
KNOWN = answer(actual=18.0)


def reply(*answers: RowAnswer, logged: bool = True) -> PredictReply:
    """Return what the function app answers."""
    return PredictReply(model="arrival-delay", results=answers, logged=logged)


def rung(when: str, *answers: RowAnswer, **more: Any) -> Sample:
    """Return the sample of an answer."""
    return Sample(when, predictions.prediction, (JOB, reply(*answers, **more), MODEL))


RECORD = PredictionView(
    format=1,
    prediction_id=LESS_SURE.prediction_id,
    at=AT,
    who=OPERATOR,
    where=CHANNEL,
    model="arrival-delay",
    version=1,
    data_version=DIGEST,
    input={"carrier": "UA", "wind": 12.0, "holiday": True, "gust": None},
    answer=KNOWN,
)
FILE_JOB = job("predict", "predict arrival-delay with flights.csv")
GIVEN = Table(("flight", "date", "note"), tuple((f"UA{at}", "2013-07-04", "") for at in range(40)), ",")
ROWS = tuple(
    BatchRow.of(REFUSED if at % 16 == 3 else answer(value=4.0 + at % 13 * 3.5, prediction_id=f"p-{at}"))
    for at in range(40)
)
CHAPTER = Chapter(
    "Predictions",
    "One answer in full, several as a table, a file in the thread of the file. Each rung of the ladder looks "
    "different, and what was looked up is named with its source.",
    (
        rung("The champion answers.", answer()),
        rung("The champion answers with a label and how sure it is.", LABEL),
        rung("The champion answers, and something is to be kept in mind.", LESS_SURE),
        Sample(
            "The champion cannot be used: the one before it answers.",
            predictions.prediction,
            (JOB, reply(PREVIOUS), model(champion=alias(2, previous=1))),
        ),
        rung("No version can be used: the plain rule answers.", RULE),
        rung("The model is too unsure to answer firmly.", UNSURE),
        rung("Nothing is to be done, on purpose.", NOTHING_TO_DO),
        rung("The inputs cannot be used.", REFUSED),
        rung("The answer could not be logged.", answer(), logged=False),
        rung("Several rows.", answer(), LESS_SURE, RULE, UNSURE, REFUSED),
        rung("More rows than a message shows.", *[answer(value=4.0 + at) for at in range(24)]),
        Sample(
            "One logged prediction, by its number, when the truth is known.",
            predictions.prediction_record,
            (RECORD, MODEL.model_copy(update={"champion": alias()})),
            "private",
        ),
        Sample(
            "A CSV file was shared, and more than one model could be meant.",
            batches.which_model,
            (FILE_JOB, "flights.csv", (("Arrival delay", "arrival-delay", "a"), ("Wine", "wine", "b"))),
            "private",
        ),
        Sample(
            "A CSV file is answered.",
            batches.batch,
            (FILE_JOB, MODEL, "flights.csv", GIVEN, ROWS, ("note",)),
            "thread",
        ),
    ),
    ("light", "dark", "phone"),
)
