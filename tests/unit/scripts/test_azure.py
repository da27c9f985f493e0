"""Setting up Azure: what is called, in which order, and what people are told when it stops."""

from __future__ import annotations

import json
import shlex
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import jmespath
import pytest

from scripts.azure import KNOWN_FAILURES, QUEUES, main
from tests.stand_ins import azure_cli

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
PLACE = ["--subscription", SUBSCRIPTION, "--name", "acme-toban"]
CREATE = ["create", *PLACE, "--location", "japaneast", "--repository", "acme/operations"]
KEY = ["key", *PLACE]


@dataclass
class AzureStandIn:
    """An empty subscription behind a program called `az`."""

    folder: Path

    def calls(self) -> list[list[str]]:
        """Return the calls since the last look, oldest first."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def fail(self, when: str, say: str) -> None:
        """Let calls of the command *when* fail with the words *say*."""
        (self.folder / "fail.json").write_text(json.dumps({"when": when, "say": say}))

    def recover(self) -> None:
        """Let every call succeed again."""
        (self.folder / "fail.json").unlink()

    def state(self) -> dict[str, list[dict[str, str]]]:
        """Return what was made."""
        state: dict[str, list[dict[str, str]]] = json.loads((self.folder / "state.json").read_text())
        return state


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What an empty subscription holds after `create`; made once."""
    with pytest.MonkeyPatch.context() as patch:
        azure = stand_in(tmp_path_factory.mktemp("azure"), patch)
        assert main(CREATE) == 0
    return (azure.folder / "state.json").read_text(encoding="utf-8")


@pytest.fixture
def created(azure: AzureStandIn, finished: str) -> AzureStandIn:
    """A subscription in which `create` was run."""
    (azure.folder / "state.json").write_text(finished, encoding="utf-8")
    return azure


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AzureStandIn:
    """An empty subscription."""
    return stand_in(tmp_path, monkeypatch)


def stand_in(folder: Path, patch: pytest.MonkeyPatch) -> AzureStandIn:
    """Make the stand-in the program `az`, the only one on PATH."""
    program = folder / "bin" / "az"
    program.parent.mkdir()
    # Without site-packages, whose start-up costs more than the work; 70 calls are made for each subscription.
    call = [sys.executable, "-S", str(Path(azure_cli.__file__)), str(folder)]
    patch.setenv("PYTHONPATH", str(Path(jmespath.__file__).parents[1]))
    program.write_text(f'#!/bin/sh\nexec {shlex.join(call)} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    patch.setenv("PATH", str(program.parent))
    return AzureStandIn(folder)


def changes(calls: list[list[str]]) -> list[list[str]]:
    """Return the calls that are no mere look-ups."""
    looks = {"list", "show", "exists"}
    return [call for call in calls if not looks & set(call) and "get" not in call]


def test_a_dry_run_prints_what_a_real_run_calls(
    azure: AzureStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """In an empty subscription, the calls that are printed are the calls that are made, in the same order."""
    assert main([*CREATE, "--dry-run"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert azure.calls() == []
    assert main(CREATE) == 0
    called = azure.calls()
    for purpose in ("app", "deploy", "train"):
        for name in ("id", "clientId", "principalId"):
            printed = [
                line.replace(f"<{purpose}.{name}>", f"{name}-of-acme-toban-{purpose}") for line in printed
            ]
    assert [shlex.split(line) for line in printed] == called


def test_a_second_run_changes_nothing(azure: AzureStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there is looked at and left alone, and the values to copy are shown again."""
    assert main(CREATE) == 0
    assert changes(azure.calls())
    first = capsys.readouterr().out.partition("\n\n")[2]
    assert main(CREATE) == 0
    assert changes(azure.calls()) == []
    second = capsys.readouterr().out
    assert "made" not in second
    assert second.partition("\n\n")[2] == first
    assert "AZURE_CLIENT_ID=clientId-of-acme-toban-deploy" in first
    assert "TOBAN_FUNCTIONS_URL=https://acme-toban.azurewebsites.net" in first


def test_roles_are_the_least(created: AzureStandIn) -> None:
    """The app owns the host's blobs and two queues, deployment one site, and training one container."""
    held = {
        (role["principalId"].rpartition("-")[2], role["roleDefinitionName"], role["scope"].rpartition("/")[2])
        for role in created.state()["roles"]
    }
    assert held == {
        ("app", "Storage Blob Data Owner", "acmetobanstore"),
        *(("app", "Storage Queue Data Contributor", queue) for queue in QUEUES),
        ("deploy", "Website Contributor", "acme-toban"),
        ("train", "Storage Blob Data Contributor", "toban"),
    }


def test_no_storage_key_stays(created: AzureStandIn) -> None:
    """The connection string that az writes is removed, and the identity stands in its place."""
    settings = created.state()["settings"]
    assert "AzureWebJobsStorage" not in settings
    assert settings == {
        "AZURE_CLIENT_ID": "clientId-of-acme-toban-app",
        "AzureWebJobsStorage__accountName": "acmetobanstore",
        "AzureWebJobsStorage__clientId": "clientId-of-acme-toban-app",
        "AzureWebJobsStorage__credential": "managedidentity",
        "PYTHON_ISOLATE_WORKER_DEPENDENCIES": "1",
        "TOBAN_STORE_URL": "https://acmetobanstore.blob.core.windows.net/toban",
    }


def test_a_changed_setting_is_put_right(created: AzureStandIn) -> None:
    """A setting that somebody changed by hand is set again; nothing else is touched."""
    state = created.state()
    state["settings"] |= {"TOBAN_STORE_URL": "az://elsewhere", "OWN_SETTING": "stays"}  # type: ignore[operator]
    (created.folder / "state.json").write_text(json.dumps(state))
    assert main(CREATE) == 0
    assert [call[1:5] for call in changes(created.calls())] == [
        ["functionapp", "config", "appsettings", "set"]
    ]
    assert created.state()["settings"]["OWN_SETTING"] == "stays"  # type: ignore[call-overload]


def test_only_environments_of_the_repository_are_trusted(created: AzureStandIn) -> None:
    """Deployment is trusted from `production`, training from `training`, and no branch or pull request."""
    assert {one["identity-name"]: one["subject"] for one in created.state()["trusts"]} == {
        "acme-toban-deploy": "repo:acme/operations:environment:production",
        "acme-toban-train": "repo:acme/operations:environment:training",
    }


def test_a_failure_stops_with_the_fix_and_is_taken_up(
    azure: AzureStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is called after a failure; what to do is said; the next run goes on where it stopped."""
    azure.fail("storage account create", "(StorageAccountAlreadyTaken) The storage account named x is taken.")
    assert main(CREATE) == 1
    said = capsys.readouterr().err
    assert "StorageAccountAlreadyTaken" in said
    assert "choose another with --storage" in said
    assert azure.calls()[-1][1:4] == ["storage", "account", "create"]
    azure.recover()
    assert main([*CREATE, "--storage", "acmeother"]) == 0
    made = changes(azure.calls())
    assert made[0][1:4] == ["storage", "account", "create"]
    assert "acmeother" in made[0]


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("ERROR: Please run 'az login' to setup account.", "az login"),
        ("(AuthorizationFailed) The client does not have authorization to perform action", "Owner"),
        (
            "ERROR: (LocationNotAvailable) The provided location is not available",
            "list-flexconsumption-locations",
        ),
        ("ERROR: Website with given name acme-toban already exists.", "--name"),
        ("ERROR: something that nobody has seen before", "Read what Azure says above"),
    ],
)
def test_each_failure_has_its_advice(
    said: str, fix: str, azure: AzureStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """Azure's words are shown, then what helps: by what was said, else by the step."""
    azure.fail("provider show", said)
    assert main(CREATE) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert fix in shown.splitlines()[-1]
    assert "run the same command again" in shown


def test_a_step_has_advice_of_its_own(created: AzureStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    """Where Azure's words are not known, the step says what is most likely wrong with it."""
    (created.folder / "state.json").write_text(json.dumps(created.state() | {"apps": []}))
    created.fail("functionapp create", "ERROR: something that nobody has seen before")
    assert main(CREATE) == 1
    assert "Choose another name with --name" in capsys.readouterr().err


def test_advice_ends_in_one_sentence() -> None:
    """Each piece of advice can be followed by "; then run the same command again"."""
    assert [fix for _, fix in KNOWN_FAILURES if fix.endswith((".", ";"))] == []


def test_the_bot_gets_a_key_that_is_not_printed(
    created: AzureStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key is made once, its value is never printed, and how to see it is."""
    assert main(KEY) == 0
    assert created.state()["keys"] == [{"name": "toban-bot", "value": "function-key"}]
    created.calls()
    assert main(KEY) == 0
    assert changes(created.calls()) == []
    shown = capsys.readouterr().out
    assert "az functionapp keys list --name acme-toban" in shown
    assert "function-key" not in shown
    assert "AccountKey" not in shown


def test_a_key_before_the_first_deployment_is_explained(
    created: AzureStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """An app without code cannot keep keys yet: deploy first."""
    created.fail("functionapp keys list", "Encountered an error (ServiceUnavailable) from host runtime.")
    assert main(KEY) == 1
    assert "deploy first" in capsys.readouterr().err


def test_without_az_it_says_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Azure's command-line tools nothing is tried."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(CREATE) == 1
    assert "installazurecli" in capsys.readouterr().err


def test_every_bad_name_is_named_at_once(azure: AzureStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    """Values that Azure would refuse halfway are refused before the first call, all together."""
    wrong = ["create", "--subscription", "mine", "--name", "Acme_", "--location", "Japan East"]
    assert main([*wrong, "--repository", "operations", "--storage", "UPPER"]) == 2
    said = capsys.readouterr().err
    options = ("--subscription", "--name", "--location", "--repository", "--storage")
    assert [line.split()[0] for line in said.splitlines()] == list(options)
    assert azure.calls() == []


@pytest.mark.parametrize("name", ["a", "x" * 33, "acme.toban", "acme-", "1acme", "acme toban; rm"])
def test_names_follow_azures_rules(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name is short enough for the host's id and holds nothing but letters, digits and hyphens."""
    assert main(["key", "--subscription", SUBSCRIPTION, "--name", name, "--dry-run"]) == 2
    assert "--name" in capsys.readouterr().err
