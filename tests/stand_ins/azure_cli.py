"""A stand-in for `az`: keeps what was made in a file, and answers look-ups in az's own query language.

A test puts a program called `az` on PATH that runs this module with a folder. There `calls.jsonl` gets each
call's arguments, and `fail.json` may hold `{"when": words, "say": text}`: such a call fails with that text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jmespath

GLOBAL = {"--subscription", "--only-show-errors", "--output", "--query"}
State = dict[str, Any]
Options = dict[str, list[str]]


def main(folder: Path, arguments: list[str]) -> int:
    """Answer one call; return az's exit status."""
    with (folder / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(["az", *arguments]) + "\n")
    words, options = read(arguments)
    failing = json.loads(path.read_text()) if (path := folder / "fail.json").exists() else None
    if failing and words == failing["when"]:
        sys.stderr.write(failing["say"])
        return 1
    kept = folder / "state.json"
    state: State = json.loads(kept.read_text()) if kept.exists() else {}
    answer = COMMANDS[words](state, options)
    kept.write_text(json.dumps(state))
    if "--query" in options:
        answer = jmespath.search(options["--query"][0], answer)
    if answer is not None:
        sys.stdout.write(json.dumps(answer))
    return 0


def read(arguments: list[str]) -> tuple[str, Options]:
    """Split a call into the command's words and its options; an option takes all values up to the next."""
    words: list[str] = []
    options: Options = {}
    for argument in arguments:
        if argument.startswith("--"):
            options[argument] = []
        elif options:
            options[next(reversed(options))].append(argument)
        else:
            words.append(argument)
    return " ".join(words), options


def add(state: State, kind: str, **record: Any) -> Any:
    """Keep *record* and return it."""
    state.setdefault(kind, []).append(record)
    return record


def only(state: State, kind: str, **where: Any) -> list[Any]:
    """Return the kept records of a kind that have all these values."""
    return [one for one in state.get(kind, []) if where.items() <= one.items()]


def made(kind: str, *options: str) -> Callable[[State, Options], Any]:
    """Return a command that keeps the first value of each of *options* under its name."""
    return lambda state, given: add(state, kind, **{name[2:]: given[name][0] for name in options})


def listed(kind: str, *options: str) -> Callable[[State, Options], Any]:
    """Return a command that lists what was kept with the same values of *options*."""
    return lambda state, given: only(state, kind, **{name[2:]: given[name][0] for name in options})


def show_provider(state: State, given: Options) -> Any:
    """Say whether a resource provider was registered."""
    there = only(state, "providers", namespace=given["--namespace"][0])
    return {"registrationState": "Registered" if there else "NotRegistered"}


def rest(state: State, given: Options) -> Any:
    """List or make queues by their management address."""
    address = given["--url"][0].partition("?")[0]
    if given["--method"] == ["get"]:
        return {"value": only(state, "queues", parent=address)}
    parent, _, name = address.rpartition("/")
    return add(state, "queues", parent=parent, name=name)


def create_identity(state: State, given: Options) -> Any:
    """Make an identity with ids that tell whose they are."""
    name = given["--name"][0]
    ids = {key: f"{key}-of-{name}" for key in ("id", "clientId", "principalId", "tenantId")}
    return add(state, "identities", name=name, **ids)


def create_app(state: State, given: Options) -> Any:
    """Make a function app; as az does, with the storage account's key in its settings."""
    name = given["--name"][0]
    state["settings"] = {
        "AzureWebJobsStorage": f"AccountName={given['--storage-account'][0]};AccountKey=test"
    }
    return add(state, "apps", name=name, defaultHostName=f"{name}.azurewebsites.net")


def list_settings(state: State, given: Options) -> Any:
    """List the app settings, in no particular order."""
    return [{"name": name, "value": value, "slotSetting": False} for name, value in state["settings"].items()]


def set_settings(state: State, given: Options) -> Any:
    """Add or change app settings."""
    state["settings"] |= dict(pair.split("=", 1) for pair in given["--settings"])
    return list_settings(state, given)


def delete_settings(state: State, given: Options) -> Any:
    """Forget app settings."""
    for name in given["--setting-names"]:
        del state["settings"][name]
    return list_settings(state, given)


def create_role(state: State, given: Options) -> Any:
    """Assign a role."""
    values = {"principalId": "--assignee-object-id", "roleDefinitionName": "--role", "scope": "--scope"}
    return add(state, "roles", id="role", **{key: given[option][0] for key, option in values.items()})


def set_key(state: State, given: Options) -> Any:
    """Make a function key, whose value nobody should print."""
    return add(state, "keys", name=given["--key-name"][0], value="function-key")


def list_keys(state: State, given: Options) -> Any:
    """List the function keys as az does: names with their values, or null where there is none."""
    return {"functionKeys": {one["name"]: one["value"] for one in only(state, "keys")} or None}


COMMANDS: dict[str, Callable[[State, Options], Any]] = {
    "provider show": show_provider,
    "provider register": made("providers", "--namespace"),
    "group exists": lambda state, given: bool(only(state, "groups", name=given["--name"][0])),
    "group create": made("groups", "--name"),
    "storage account list": listed("accounts", "--resource-group"),
    "storage account create": made("accounts", "--name", "--resource-group"),
    "storage container-rm list": listed("containers", "--storage-account"),
    "storage container-rm create": made("containers", "--name", "--storage-account"),
    "rest": rest,
    "identity list": listed("identities"),
    "identity create": create_identity,
    "identity federated-credential list": listed("trusts", "--identity-name"),
    "identity federated-credential create": made("trusts", "--name", "--identity-name", "--subject"),
    "role assignment list": listed("roles", "--scope"),
    "role assignment create": create_role,
    "functionapp list": listed("apps"),
    "functionapp create": create_app,
    "functionapp config appsettings list": list_settings,
    "functionapp config appsettings set": set_settings,
    "functionapp config appsettings delete": delete_settings,
    "functionapp keys list": list_keys,
    "functionapp keys set": set_key,
}

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
