"""Models, versions, cards and where a version comes from."""

from __future__ import annotations

from bot.messages import versions
from bot.messages.fields import allowed
from ml.contract import ModelSummary, ModelsView, VersionView
from playground.gallery.records import AT, DIGEST, OWNER, alias, model
from tests.unit.bot.slack_proof import assert_fits


def test_models_are_listed_with_their_champions() -> None:
    """A model that cannot be served is listed with its problem."""
    view = ModelsView(
        models=(
            ModelSummary(name="arrival-delay", title="Arrival delay", champion=alias(), latest_version=2),
            ModelSummary(name="tumour", title="Tumour", problem="its recipe cannot be loaded"),
        )
    )
    message = versions.models(view, AT)
    table = next(block for block in message.blocks if block["type"] == "table")

    assert [cell["text"] for cell in table["rows"][1]] == [
        "arrival-delay",
        "Arrival delay",
        "v1",
        "3 days",
        "v2",
    ]
    assert [cell["text"] for cell in table["rows"][2]] == ["tumour", "Tumour", "none", "–", "–"]
    assert ":warning: *tumour*: its recipe cannot be loaded" in message.text
    assert versions.models(ModelsView(models=()), AT).text == "The function app serves no model yet."


def test_one_model_shows_what_may_be_typed_and_how_it_did() -> None:
    """Description, champion, rule, inputs, parameters, versions with their metrics in people's units."""
    text = versions.model(model()).text

    assert "How late a flight will arrive, known at departure." in text
    assert f"Champion: *v1*, promoted 29 Jul 2013 06:00 UTC by <@{OWNER}>." in text
    assert "Plain rule behind it: the departure delay" in text
    assert "`since` (text), `until` (text)" in text
    assert "v1 (champion) · 1 Aug 2013 06:00 UTC · data a1b2c3d4 · " in text
    assert "MAE 15.0 min, bias −5.6 min, within 15 minutes 65.6 %" in text
    assert "*No version is champion yet.*" in versions.model(model(champion=None)).text


def test_inputs_are_described_in_words() -> None:
    """What is allowed, without the schema's own language."""
    assert allowed({"type": "integer", "exclusiveMinimum": 0}) == "a whole number, over 0"
    assert (
        allowed({"type": "number", "minimum": 1, "exclusiveMaximum": 5}) == "a number, 1 or more and under 5"
    )
    assert allowed({"type": "string", "pattern": "^x", "examples": ["UA1545"]}) == "text like UA1545"
    assert allowed({"type": "string", "maxLength": 3}) == "text of at most 3 characters"
    assert allowed({"type": "string", "minLength": 3, "maxLength": 3}) == "text of exactly 3 characters"
    assert allowed({"enum": list("abcdefghijklmnop")}).endswith("and 4 more")
    assert allowed({"const": "x"}) == "x"
    assert allowed({"type": "array", "items": {"type": "boolean"}}).endswith("(yes or no)")


def test_a_card_is_shown_as_markdown() -> None:
    """Headings and tables of the card are Slack's to show."""
    message = versions.card(
        VersionView(model="arrival-delay", version=2, manifest={}, card="# Card\n\n| a |\n|---|")
    )

    assert message.blocks[1]["type"] == "markdown"
    assert message.blocks[1]["text"] == "# Card\n\n| a |\n|---|"
    assert not message.files


def test_a_long_card_comes_as_a_file_too() -> None:
    """The message shows its beginning, up to a line's end."""
    card = "\n".join(f"line {number}" for number in range(2_000))
    message = versions.card(VersionView(model="arrival-delay", version=2, manifest={}, card=card))

    assert_fits(message)
    assert [file.filename for file in message.files] == ["arrival-delay-v2.md"]
    assert message.files[0].content.decode() == card
    assert message.blocks[1]["text"].endswith("\n")


def test_lineage_names_data_query_code_packages_and_seed() -> None:
    """Whatever the manifest holds, by its hash."""
    manifest = {
        "model": "arrival-delay",
        "version": 2,
        "run_id": "r-1",
        "recipe": "recipes.arrival_delay:ArrivalDelay",
        "files": {"snapshot": {"digest": DIGEST, "size": 12_345}, "source": {"digest": DIGEST, "size": 1}},
        "query": {"text": "flights joined with weather", "params": {"since": "2013-01"}, "rows": 80_789},
        "code": {"revision": "abc123", "source": DIGEST},
        "environment": {"python": "3.11.4", "platform": "Linux", "packages": {"scikit-learn": "1.7.1"}},
        "params": {"since": "2013-01", "trees": 100},
        "seed": 7,
        "tolerance": 1e-6,
    }
    lines = versions.lineage(manifest).text.split("\n")

    assert lines == [
        "*Where arrival-delay v2 comes from*",
        f"*data*: `{DIGEST}`, 12,345 bytes",
        "*query*: `flights joined with weather` since=2013-01 (80,789 rows)",
        f"*source*: `{DIGEST}`, 1 bytes",
        "*code revision*: abc123",
        "*recipe*: recipes.arrival_delay:ArrivalDelay",
        "*parameters*: since=2013-01, trees=100",
        "*seed*: 7",
        "*run*: r-1",
        "*Python*: 3.11.4",
        "*platform*: Linux",
        "*packages*: scikit-learn 1.7.1",
        "*same numbers within*: 1e-06",
    ]


def test_an_odd_manifest_is_no_obstacle() -> None:
    """What is missing or of another shape is left out."""
    odd = {"files": [], "query": "x", "environment": None, "params": None, "code": {"revision": None}}

    assert versions.lineage(odd).text == "*Where  v? comes from*"
