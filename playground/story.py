"""The story that `make demo` plays: each scene acts, shows what people see, and checks what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from playground.github.client import GitHubPlayground
from playground.stage import ANSWER_SECONDS, Json, Stage, StoryFailed
from playground.world import ENVIRONMENT, LOGINS, REPOSITORY, ROOT, World

MODEL = "arrival-delay"
CHANNEL = "ml-arrivals"
BOARD = "board/board.toml"
WINE, WINE_CHANNEL = "wine-class", "ml-wine"
FLIGHT = "flight=UA580 date=2013-07-10"
PREDICT = f"/ml predict {MODEL} {FLIGHT}"

Scene = Callable[["Story"], None]


class Story:
    """The scenes in order, on one world and one stage."""

    def __init__(self, world: World, stage: Stage) -> None:
        self.world = world
        self.stage = stage
        self.timings: dict[str, float] = {}

    def play(self) -> None:
        """Play all scenes; raise StoryFailed at the first that does not do what it says."""
        for title, scene in SCENES:
            self.stage.terminal.chapter(title)
            scene(self)

    # --- what several scenes do

    def retrain(self, until: str, name: str) -> Json:
        """Let the operator retrain until the end of a month; return the card that waits for a decision."""
        begun = time.monotonic()
        before = self.stage.say("operator", CHANNEL, f"/ml retrain {MODEL} until={until}")
        card = self.stage.follow_job(before)
        self.timings[name] = time.monotonic() - begun
        return card

    def promote(self, card: Json, version: int) -> Json:
        """Let the owner press Promote; return the card as it then is."""
        before = self.stage.press("owner", CHANNEL, card, "version.promote", f"Promote v{version}")
        decided = self.stage.follow_job(before)
        self.stage.check(
            f"v{version} is the champion, and the card says who decided", decided, "champion", "@owner"
        )
        return decided

    def functions(self, path: str) -> Any:
        """Read something from the function app itself."""
        reply = requests.get(
            f"{self.world.addresses['functions']}{path}",
            headers={"x-functions-key": self.world.secrets["functions_key"]},
            timeout=ANSWER_SECONDS,
        )
        reply.raise_for_status()
        return reply.json()

    def github(self, path: str) -> Any:
        """Read something of the team's repository from GitHub itself."""
        reply = requests.get(
            f"{self.world.addresses['github']}/repos/{REPOSITORY}{path}",
            headers={"authorization": f"Bearer {self.world.secrets['github_token']}"},
            timeout=ANSWER_SECONDS,
        )
        reply.raise_for_status()
        return reply.json()

    def newest_run(self, workflow: str) -> int:
        """Return the number of a workflow's newest run."""
        return int(self.github(f"/actions/workflows/{workflow}/runs")["workflow_runs"][0]["id"])

    def model_file(self, version: int) -> Path:
        """Return the file in the store that holds a version's model."""
        manifest = self.functions(f"/api/models/{MODEL}/versions/{version}")["manifest"]
        digest: str = manifest["files"]["model.onnx"]["digest"]
        return self.world.store / "files" / digest.removeprefix("sha256:")


def first_version(story: Story) -> None:
    """Train v1 and make it champion."""
    story.stage.terminal.note("The operator trains a first model on the flights of January to March 2013.")
    card = story.retrain("2013-03", "first training")
    story.stage.check("v1 is trained and waits for a decision", card, "v1", "Promote")
    story.promote(card, 1)


def models(story: Story) -> None:
    """See which models there are."""
    event = story.stage.ask("viewer", CHANNEL, "/ml models")
    story.stage.check("the model and its champion are listed", event, MODEL, "v1")
    story.stage.hold("only the asker sees it", event["kind"] == "ephemeral_posted")


def prediction(story: Story) -> None:
    """Predict one real flight, next to what really happened."""
    begun = time.monotonic()
    event = story.stage.ask("operator", CHANNEL, PREDICT)
    story.timings["first prediction"] = time.monotonic() - begun
    story.stage.check(
        "the champion answers, beside what really happened", event, "v1", "really happened", "25 min"
    )


def refusal(story: Story) -> None:
    """A wrong carrier code is refused in words."""
    text = f"/ml predict {MODEL} carrier=UX origin=EWR dest=IAH date=2013-07-10T12:00 departure_delay=37"
    event = story.stage.ask("operator", CHANNEL, text)
    story.stage.check("the field, the value and what is allowed are named", event, "carrier", "UX", "UA")
    story.stage.hold("only the asker sees it", event["kind"] == "ephemeral_posted")


def damaged(story: Story) -> None:
    """The model's file is damaged: the next rung answers and says so."""
    file = story.model_file(1)
    whole = file.read_bytes()
    story.stage.terminal.note(
        "Somebody damages v1's file in the store, and the serverless platform starts the functions afresh …"
    )
    file.write_bytes(whole[: len(whole) // 2] + b"damaged" + whole[len(whole) // 2 + 7 :])
    try:
        story.world.restart_functions()
        event = story.stage.ask("operator", CHANNEL, PREDICT)
        story.stage.check(
            "the plain rule answers (the delay at departure) and says why",
            event,
            "37 min",
            "rule",
            "does not match its digest",
        )
    finally:
        file.write_bytes(whole)
        story.world.restart_functions()
    story.stage.terminal.note("… and the file is put back.")


def retraining(story: Story) -> None:
    """Retrain on later months, live, and see candidate beside champion."""
    card = story.retrain("2013-06", "retraining")
    seq = card["seq"]
    story.stage.check(
        "candidate and champion stand side by side on the same July rows", card, "v1", "v2", "2013-07"
    )
    story.stage.check(
        "it says what got better and what did not", card, "(better)", "(worse)", "business metric"
    )
    chart = story.stage.wait_for(seq, "how far off v2 is")
    story.stage.check("a chart says in words, too, what it shows", chart, "Bar chart")
    lineage = story.stage.wait_for(seq, "comes from")
    story.stage.check("its lineage is in the thread", lineage, "data", "seed")
    called = story.stage.wait_for(seq, "please decide")
    story.stage.check("who asked and who decides are called", called, "@operator", "@ml-owners")
    viewer_is_refused(story, card)
    story.promote(card, 2)


def viewer_is_refused(story: Story, card: Json) -> None:
    """A viewer's press on Promote does nothing and is told so privately."""
    before = story.stage.press("viewer", CHANNEL, card, "version.promote", "Promote v2")
    told = story.stage.wait_for(before, "owner", "viewer")
    story.stage.check("the viewer may not decide, and is told so privately", told, "roles")
    champion = story.functions(f"/api/models/{MODEL}")["champion"]["version"]
    story.stage.hold("v1 is still the champion", champion == 1)


def same_again(story: Story) -> None:
    """The same prediction now comes from the new version."""
    event = story.stage.ask("operator", CHANNEL, PREDICT)
    story.stage.check("v2 answers now", event, "v2", "really happened")


def overview(story: Story) -> None:
    """Runs and status at a glance."""
    runs = story.stage.ask("operator", CHANNEL, "/ml runs")
    story.stage.check("both runs are listed", runs, "v1", "v2", "succeeded")
    status = story.stage.ask("operator", CHANNEL, "/ml status")
    story.stage.check(
        "everything answers, and the fallback is counted", status, "Everything answers", MODEL, "v2"
    )


def smoke_test(story: Story) -> None:
    """A workflow fails while the function app is away; what failed is run again once it is back."""
    story.stage.terminal.note("A smoke test on GitHub, just while the function app is being replaced …")
    story.world.programs["functions"].stop()
    try:
        before = story.stage.say("operator", CHANNEL, f"/ml run smoke model={MODEL}")
        failed = story.stage.follow_job(before)
    finally:
        story.world.start_functions()
    story.stage.check(
        "the failing step and its first error line are on the card", failed, "Ask for the model", "refused"
    )
    story.stage.terminal.note("… and now it is back.")
    before = story.stage.press("operator", CHANNEL, failed, "work.rerun_failed", "Rerun failed")
    done = story.stage.follow_job(before)
    story.stage.check(
        "only what failed ran again, and the run says what it measured", done, "attempt 2", "v2", "answer"
    )


def retraining_on_github(story: Story) -> None:
    """A model that a workflow trains: the same command, the same card, the same decision."""
    story.stage.terminal.note(f"toban.toml says that {WINE} is trained by a workflow of {REPOSITORY}.")
    begun = time.monotonic()
    before = story.stage.say("operator", WINE_CHANNEL, f"/ml retrain {WINE} strength=2")
    card = story.stage.follow_job(before)
    story.timings["retraining on GitHub"] = time.monotonic() - begun
    story.stage.check("v1 is trained on the runner and waits for a decision", card, WINE, "v1", "Promote")
    report = story.stage.wait_for(before, f"by retrain.yml in {REPOSITORY} is done")
    story.stage.check("what the run reported is in the thread", report, "data", "sha256:")
    before = story.stage.press("owner", WINE_CHANNEL, card, "version.promote", "Promote v1")
    decided = story.stage.follow_job(before)
    story.stage.check("v1 is the champion, and the card says who decided", decided, "champion", "@owner")
    champion = story.functions(f"/api/models/{WINE}")["champion"]["version"]
    story.stage.hold("the function app serves what the runner trained", champion == 1)


def deployment(story: Story) -> None:
    """A push is checked, held up by the environment, approved from Slack and rolled out."""
    pusher, reviewer = LOGINS["operator"], LOGINS["owner"]
    text = (story.world.repository / BOARD).read_text(encoding="utf-8").replace("rows = 12", "rows = 20")
    story.stage.terminal.note(
        "toban.toml says that each push to main deploys the arrivals board, once a reviewer has approved it."
    )
    story.stage.terminal.note(f'{pusher}$ git commit -am "Show 20 rows" && git push')
    begun = time.monotonic()
    before = story.stage.slack.seq()
    with GitHubPlayground(story.world.addresses["github"]) as github:
        github.push(REPOSITORY, "main", {BOARD: text}, "Show 20 rows", pusher)
    card = story.stage.follow_job(before, until="waits for an approval by")
    story.timings["push to approval"] = time.monotonic() - begun
    story.stage.check("the commit is checked, and held up", card, "Show 20 rows", "1 of 1 checks", reviewer)
    called = story.stage.wait_for(before, "please approve or reject above")
    story.stage.check("who decides is called", called, "@owner")
    story.stage.hold("nothing is rolled out yet", not story.world.board.exists())
    before = story.stage.press("viewer", CHANNEL, card, "work.approve", f"Approve {ENVIRONMENT}")
    told = story.stage.wait_for(before, "owner", "viewer")
    story.stage.check("the viewer may not approve, and is told so privately", told, "roles")
    before = story.stage.press("owner", CHANNEL, card, "work.approve", f"Approve {ENVIRONMENT}")
    done = story.stage.follow_job(before)
    story.stage.check("the card says who approved, here and on GitHub", done, "@owner", reviewer)
    story.stage.hold("the board in production is the pushed one", story.world.board.read_text() == text)
    kept = story.github(f"/actions/runs/{story.newest_run('deploy.yml')}/approvals")[0]["comment"]
    story.stage.hold("GitHub keeps it too: " + kept, reviewer in kept and "(U" in kept)


def daily_digest(story: Story) -> None:
    """The digest of the day, as a scheduled workflow would send it."""
    before = story.stage.slack.seq()
    story.stage.terminal.note("$ python -m bot digest daily")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "digest", "daily"],
        cwd=ROOT,
        env={**os.environ, **story.world.env},
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise StoryFailed(f"the digest was not sent: {done.stderr.strip()}")
    event = story.stage.wait_for(before, "Digest")
    story.stage.check(
        "the digest tells of the champion, its use and the runs", event, MODEL, "v2", "fallback"
    )


SCENES: tuple[tuple[str, Scene], ...] = (
    ("A first version, January to March", first_version),
    ("Which models are there?", models),
    ("How late will UA580 arrive?", prediction),
    ("A carrier that does not exist", refusal),
    ("The model's file is damaged", damaged),
    ("Retrained until the end of June", retraining),
    ("The same question again", same_again),
    ("How do things stand?", overview),
    ("A smoke test on GitHub fails", smoke_test),
    ("A model that is trained on GitHub", retraining_on_github),
    ("A push that somebody has to approve", deployment),
    ("The digest of the day", daily_digest),
)
