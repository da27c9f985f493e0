"""CSV files in Slack: predicted row by row by the real bot, answered in their thread."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.stand_ins.function_app import MODEL, OTHER_MODEL
from tests.stand_ins.team import ARRIVALS, OVER_ALL, Team, over

pytest_plugins = ["tests.stand_ins.team"]
pytestmark = over(OVER_ALL)

Json = dict[str, Any]
HEAD = "flight,dep_delay,note"


def drop(team: Team, content: bytes, name: str = f"{MODEL}.csv", comment: str = "") -> Json:
    """Let the operator share a file; return its message as the viewer sees it."""
    ts = team.slack.share("operator", ARRIVALS, name, content, comment)["ts"]
    return next(one for one in team.slack.messages(ARRIVALS, "viewer") if one["ts"] == ts)


def predict(team: Team, message: Json, who: str = "viewer") -> int:
    """Take the shortcut on a message; return the number of the newest event before it."""
    before = team.slack.seq()
    assert team.slack.shortcut(who, "file.predict", message)["ok"]
    return before


def answers(team: Team, after: int) -> tuple[list[Json], Json]:
    """Return the rows of the CSV that came, and the files of both messages by name."""
    files: Json = {}
    for kind in ("-predictions.csv", ".png"):
        event = team.slack.wait_for(
            lambda e, kind=kind: e["kind"] == "file_shared" and e["file"]["name"].endswith(kind), after=after
        )
        files[event["file"]["name"]] = event["file"]
    name = next(name for name in files if name.endswith(".csv"))
    text = team.slack.file(files[name]["id"]).decode("utf-8-sig")
    dialect = csv.Sniffer().sniff(text.splitlines()[0], ",;\t")
    return list(csv.DictReader(io.StringIO(text), delimiter=dialect.delimiter)), files


def test_a_file_is_predicted_in_its_thread(new_team: Callable[..., Team]) -> None:
    """The summary and two files stand in the thread; each row keeps its cells, and no cell is a formula."""
    team = new_team()
    team.start_bot()
    message = drop(team, f"{HEAD}\nUA1,5,=1+1\nZZ1,-3,x\nUA2,soon,y\nUA3,,-5\n".encode())
    before = predict(team, message)
    said = team.seen(before, "4 rows of arrival-delay.csv")
    rows, files = answers(team, before)
    assert said["message"]["thread_ts"] == message["ts"]
    assert "2 rows could not be answered" in said["plain"]
    assert "Columns carried along unread: note" in said["plain"].replace("`", "")
    assert [row["prediction"] for row in rows] == ["12.5", "", "", "12.5"]
    assert [row["note"] for row in rows] == ["'=1+1", "x", "y", "-5"]
    assert [row["source"] for row in rows] == ["champion", "none", "none", "champion"]
    assert rows[0]["version"] == "1"
    assert "No flight ZZ1." in rows[1]["warnings"]
    assert "'dep_delay' cannot be 'soon'" in rows[2]["warnings"]
    picture = next(file for name, file in files.items() if name.endswith(".png"))
    assert Image.open(io.BytesIO(team.slack.file(picture["id"]))).format == "PNG"
    assert picture["alt_txt"].startswith("Histogram of 2 values in min")
    assert team.functions.callers[-1] == {"who": "U01VIEWER00", "where": "slack:T01LOOPBACK/C01ARRIVALS"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("\ufeffFlight;Dep-Delay\r\nUA1;5\r\n".encode(), id="bom and semicolons"),
        pytest.param(b"flight\tdep_delay\nUA1\t5\n", id="tabs"),
        pytest.param("flight,メモ\nUA1,遅い便\n".encode("cp932"), id="shift_jis"),
        pytest.param("flight,メモ,,\n\nUA1,遅い便,,\n".encode(), id="utf-8, empty columns and lines"),
    ],
)
def test_files_as_spreadsheets_save_them(team: Team, content: bytes) -> None:
    """Encodings, delimiters, names in another spelling and what Excel leaves behind are understood."""
    before = predict(team, drop(team, content))
    rows, _ = answers(team, before)
    assert [row["prediction"] for row in rows] == ["12.5"]
    assert rows[0].get("メモ", "遅い便") == "遅い便"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"flight,dep_dely\nUA1,5\n", ["some columns", "`dep_dely`", "did you mean “dep_delay”?"]),
        (b"alpha,beta\n1,2\n", ["some columns", "`alpha`", "`beta`", "flight, date, carrier"]),
        (b"flight\n", ["there are no rows"]),
        (b"flight\n" + b"UA1\n" * 10_001, ["too many rows", "10,001 rows", "10,000"]),
        (b"flight,flight\n1,2\n", ["cannot be read as a table", "is there twice"]),
        (b'flight\n"UA1\n', ["cannot be read as a table", "Line 2"]),
        (b"flight\nUA1,5\n", ["cannot be read as a table", "Line 2 has 2 cells"]),
        (b"\xff\xfef\x00l\x00", ["characters cannot be read", "CSV UTF-8"]),
        (b"dep_delay\nsoon\nlate\n", ["some of the inputs", "`dep_delay` cannot be `soon`"]),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_words(
    team: Team, content: bytes, words: list[str]
) -> None:
    """The asker alone reads what is wrong; the function app is not asked."""
    message = drop(team, content)
    calls = team.functions.count("POST", "predict")
    private = team.private(predict(team, message))
    assert [word for word in words if word.casefold() not in str(private["message"]).casefold()] == []
    assert private["visible_to"] == ["U01VIEWER00"]
    assert team.functions.count("POST", "predict") == calls


def test_a_message_without_a_table_is_refused(team: Team) -> None:
    """A picture is no table, and neither is a message without files."""
    message = drop(team, b"x", name="picture.png")
    assert "there is no csv file" in team.private(predict(team, message))["plain"].casefold()


def test_a_file_for_several_models_is_asked_about(team: Team) -> None:
    """Where name and channel do not tell, buttons ask which model it is; the press goes on with it."""
    before = predict(team, drop(team, b"flight\nUA1\n", name="day.csv"))
    asked = team.private(before, "Which model is day.csv for?")
    assert team.slack.press("viewer", asked, "file.predict_1")["ok"]
    assert "Flower species" in team.seen(before, "1 row of day.csv")["plain"]
    assert team.functions.calls[-1] == ("POST", f"/api/models/{OTHER_MODEL}/predict")
    assert len(answers(team, before)[0]) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b",,,\n,,,\n", "The file is empty"),
        (b"flight\n" + b"UA1\n" * 10_001, "10,001 rows; at most 10,000"),
    ],
    ids=["commas", "10,001 rows"],
)
def test_what_no_model_can_use_is_refused_before_one_is_asked_for(
    team: Team, content: bytes, words: str
) -> None:
    """Nobody is asked which model a file is for that none can read."""
    before = predict(team, drop(team, content, name="day.csv"))
    assert words in team.private(before)["plain"]


def test_ten_thousand_rows_are_asked_for_in_parts(team: Team) -> None:
    """All are answered, in their order, by ten requests."""
    content = "flight,note\n" + "".join(f"UA{number},{number}\n" for number in range(10_000))
    message = drop(team, content.encode())
    calls = team.functions.count("POST", "predict")
    before = predict(team, message)
    team.seen(before, "10,000 rows")
    rows, _ = answers(team, before)
    assert [row["note"] for row in rows] == [str(number) for number in range(10_000)]
    assert team.functions.count("POST", "predict") - calls == 10


def test_a_redelivered_shortcut_is_one_answer(team: Team) -> None:
    """The same delivery three times is predicted once."""
    message = drop(team, b"flight\nUA1\n")
    before = team.slack.seq()
    delivery = team.slack.shortcut("viewer", "file.predict", message)["delivery"]
    assert [each["ok"] for each in team.slack.redeliver(delivery, times=2)] == [True, True]
    answers(team, before)
    assert "Arrival delay" in team.told("viewer", "/ml models")
    said = [
        one for one in team.slack.messages(ARRIVALS, "viewer", message["ts"]) if "1 row of" in one["plain"]
    ]
    assert len(said) == 1


def test_where_the_bot_may_not_read_it_says_what_to_do(new_team: Callable[..., Team]) -> None:
    """Without the scope Slack shows its sign-in page, which is not taken for the file."""
    scopes = ("chat:write", "files:write", "usergroups:read", "commands", "app_mentions:read")
    team = new_team(scopes=scopes)
    team.start_bot()
    private = team.private(predict(team, drop(team, b"flight\nUA1\n")))
    assert "Slack does not hand the file to me" in private["plain"]
    assert "files:read" in private["plain"]


def test_a_mention_with_a_file_predicts_it(team: Team) -> None:
    """Who shares a file and mentions the bot needs no shortcut."""
    before = team.slack.seq()
    message = drop(team, b"flight\nUA1\n", name="day.csv", comment=f"@toban predict {MODEL}")
    said = team.seen(before, "1 row of day.csv")
    assert said["message"]["thread_ts"] == message["ts"]
    assert len(answers(team, before)[0]) == 1
