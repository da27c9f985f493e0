"""Set up in Azure what the function app needs; safe to run again: what is there already is left as it is.

    python scripts/azure.py create --subscription ID --name acme-toban --location japaneast \
        --repository acme/operations [--dry-run]
    python scripts/azure.py key --subscription ID --name acme-toban         after the first deployment

`--dry-run` prints every call and makes none. Needs Azure's command-line tools (`az`) and nothing but
Python's own library, so that it also runs in Azure's Cloud Shell. It prints no secret. See docs/azure.md.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CONTAINER, PACKAGES = "toban", "deployments"
QUEUES = ("toban-runs", "toban-runs-poison")
PRODUCTION, TRAINING = "production", "training"
BOT_KEY = "toban-bot"
PROVIDERS = (
    "Microsoft.Web",
    "Microsoft.Storage",
    "Microsoft.ManagedIdentity",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
)
PYTHONS = ("3.11", "3.12", "3.13")
MEMORY_MB = ("512", "2048", "4096")
STORAGE_API = "2023-05-01"
MOST_SAID = 1500
"""So many characters of what `az` says of a failure are shown."""

KNOWN_FAILURES: tuple[tuple[str, str], ...] = (
    (r"az login|AADSTS|not logged in", "Log in: az login"),
    (
        r"AuthorizationFailed|does not have authorization",
        "Log in as somebody who may make resources and assign roles (Owner of the subscription)",
    ),
    (
        r"SubscriptionNotFound|subscription .* (not found|doesn't exist)",
        "List yours: az account list -o table",
    ),
    (
        r"StorageAccountAlreadyTaken|storage account named .* already taken",
        "The name belongs to somebody else: choose another with --storage",
    ),
    (
        r"Website with given name .* already exists|hostname .* not available",
        "The name belongs to somebody else: choose another with --name",
    ),
    (
        r"[Ll]ocation .*(invalid|not available)|LocationNotAvailable",
        "See where the plan exists: az functionapp list-flexconsumption-locations -o table",
    ),
    (r"PrincipalNotFound", "The new identity is not known everywhere yet: wait a minute"),
    (
        r"host runtime|ServiceUnavailable",
        "The app answers only after its first deployment: deploy first (docs/azure.md)",
    ),
)
"""What Azure says, and what helps; the first that matches is shown instead of the step's own advice."""


class Stopped(Exception):
    """Nothing more is done; the text says what failed, in Azure's words, and what to do about it."""


@dataclass(frozen=True)
class Plan:
    """Where everything goes and what it is called.

    Names follow https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules; that
    of the app has at most 32 characters, because its host's id is cut there:
    https://learn.microsoft.com/azure/azure-functions/storage-considerations#host-id-considerations
    """

    subscription: str
    name: str
    location: str = ""
    repository: str = ""
    storage: str = ""
    python: str = "3.12"
    memory: str = "2048"

    @property
    def group_id(self) -> str:
        """The resource group, as Azure names it in scopes."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.name}"

    @property
    def account(self) -> str:
        """The storage account's name; from the app's name unless it was given."""
        return self.storage or f"{re.sub(r'[^a-z0-9]', '', self.name)[:19]}store"

    @property
    def account_id(self) -> str:
        """The storage account, as Azure names it in scopes."""
        return f"{self.group_id}/providers/Microsoft.Storage/storageAccounts/{self.account}"

    @property
    def container_id(self) -> str:
        """The container of models, runs and predictions, as Azure names it in scopes."""
        return f"{self.account_id}/blobServices/default/containers/{CONTAINER}"

    @property
    def app_id(self) -> str:
        """The function app, as Azure names it in scopes."""
        return f"{self.group_id}/providers/Microsoft.Web/sites/{self.name}"

    @property
    def store_url(self) -> str:
        """What TOBAN_STORE_URL is to be, for the function app and for the training workflow."""
        return f"https://{self.account}.blob.core.windows.net/{CONTAINER}"

    def identity(self, purpose: str) -> str:
        """Return the name of the identity for *purpose*: app, deploy or train."""
        return f"{self.name}-{purpose}"

    def problems(self, *, new: bool) -> Iterator[str]:
        """Yield a sentence for each value that cannot be used; *new* where everything is to be made."""
        checks = [
            (
                "--subscription",
                self.subscription,
                r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                "an id (az account show)",
            ),
            (
                "--name",
                self.name,
                r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
                "2 to 32 lower-case letters, digits and hyphens",
            ),
        ]
        if new:
            checks += [
                (
                    "--location",
                    self.location,
                    r"[a-z]+[a-z0-9]*",
                    "a region's short name, for instance japaneast",
                ),
                (
                    "--repository",
                    self.repository,
                    r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+",
                    "OWNER/NAME as GitHub spells it",
                ),
                ("--storage", self.account, r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits"),
            ]
        for option, value, pattern, allowed in checks:
            if not re.fullmatch(pattern, value):
                yield f"{option} is {value!r}; allowed is {allowed}"


@dataclass(frozen=True)
class Step:
    """One thing that is to be there.

    `look` prints JSON that is false, null or empty where the thing is missing, or that differs from `wanted`
    where that is given; `make` makes it. With `known_as` what was seen is kept, and later steps write
    `<known_as.field>` for it. `fix` is what to do when `make` fails for no known reason.
    """

    what: str
    look: tuple[str, ...]
    make: tuple[str, ...]
    fix: str = "Read what Azure says above"
    known_as: str = ""
    wanted: Any = None


@dataclass
class Azure:
    """Calls `az` for one subscription; in a dry run only says what it would call."""

    subscription: str
    dry: bool
    say: Callable[[str], None]
    known: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def bring_about(self, step: Step) -> None:
        """Make what *step* wants unless it is there; raise Stopped where that fails."""
        seen = self._call(step, step.look)
        if not self.dry and _is_there(step, seen, self.fill):
            self.say(f"  is there  {step.what}")
        else:
            self._call(step, step.make)
            if not self.dry:
                self.say(f"  made      {step.what}")
            seen = self._call(step, step.look) if step.known_as else seen
        if step.known_as and not self.dry:
            if not isinstance(seen, dict):
                raise Stopped(f"{step.what}: made, but Azure does not show it yet.\nWait a minute, {AGAIN}.")
            self.known[step.known_as] = seen

    def fill(self, text: str) -> str:
        """Return *text* with each `<thing.field>` replaced by what is known; unknown ones stay."""
        return re.sub(
            r"<([a-z]+)\.([A-Za-z]+)>",
            lambda found: str(self.known.get(found[1], {}).get(found[2], found[0])),
            text,
        )

    def _call(self, step: Step, arguments: Sequence[str]) -> Any:
        command = ["az", *map(self.fill, arguments), "--subscription", self.subscription]
        command += ["--only-show-errors", "--output", "json"]
        if self.dry:
            self.say(shlex.join(command))
            return None
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise Stopped(_failure(step, command, done.stderr))
        return json.loads(done.stdout) if done.stdout.strip() else None


AGAIN = "then run the same command again: what is there already is left as it is"


def _is_there(step: Step, seen: Any, fill: Callable[[str], str]) -> bool:
    if step.wanted is None:
        return bool(seen)
    return bool(seen == json.loads(fill(json.dumps(step.wanted))))


def _failure(step: Step, command: Sequence[str], said: str) -> str:
    advice = next((fix for pattern, fix in KNOWN_FAILURES if re.search(pattern, said)), step.fix)
    return f"{step.what}: failed.\n$ {shlex.join(command)}\n{said.strip()[-MOST_SAID:]}\n{advice}; {AGAIN}."


# --- the parts ----------------------------------------------------------------------------------------------


def steps(plan: Plan) -> Iterator[Step]:
    """Yield everything that `create` brings about, in order."""
    for provider in PROVIDERS:
        yield Step(
            f"resource provider {provider}",
            ("provider", "show", "--namespace", provider, "--query", "registrationState == 'Registered'"),
            ("provider", "register", "--namespace", provider, "--wait"),
        )
    yield Step(
        f"resource group {plan.name}",
        ("group", "exists", "--name", plan.name),
        ("group", "create", "--name", plan.name, "--location", plan.location),
    )
    yield from _storage(plan)
    for purpose in ("app", "deploy", "train"):
        yield _identity(plan, purpose)
    # The host keeps its locks and keys in containers that it makes itself: Owner is the documented least.
    # https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
    yield _role(plan, "app", "Storage Blob Data Owner", plan.account_id)
    for queue in QUEUES:
        scope = f"{plan.account_id}/queueServices/default/queues/{queue}"
        yield _role(plan, "app", "Storage Queue Data Contributor", scope)
    yield from _function_app(plan)
    yield _role(plan, "deploy", "Website Contributor", plan.app_id)
    yield _role(plan, "train", "Storage Blob Data Contributor", plan.container_id)
    yield _trust(plan, "deploy", PRODUCTION)
    yield _trust(plan, "train", TRAINING)


def _storage(plan: Plan) -> Iterator[Step]:
    account = ("--resource-group", plan.name)
    yield Step(
        f"storage account {plan.account}",
        ("storage", "account", "list", *account, "--query", f"[?name=='{plan.account}'].name"),
        (
            *("storage", "account", "create", "--name", plan.account, *account, "--location", plan.location),
            *("--sku", "Standard_LRS", "--kind", "StorageV2", "--min-tls-version", "TLS1_2"),
            *("--allow-blob-public-access", "false", "--allow-shared-key-access", "false"),
        ),
        "Choose another name with --storage",
    )
    for name in (CONTAINER, PACKAGES):
        where = ("--storage-account", plan.account, *account)
        yield Step(
            f"container {name}",
            ("storage", "container-rm", "list", *where, "--query", f"[?name=='{name}'].name"),
            ("storage", "container-rm", "create", "--name", name, *where),
        )
    for queue in QUEUES:
        # `az storage queue` would need a role on the data; the management address does not.
        # https://learn.microsoft.com/rest/api/storagerp/queue/create
        url = f"https://management.azure.com{plan.account_id}/queueServices/default/queues"
        version = f"api-version={STORAGE_API}"
        query = f"value[?name=='{queue}'].name"
        yield Step(
            f"queue {queue}",
            ("rest", "--method", "get", "--url", f"{url}?{version}", "--query", query),
            ("rest", "--method", "put", "--url", f"{url}/{queue}?{version}", "--body", '{"properties": {}}'),
        )


def _identity(plan: Plan, purpose: str) -> Step:
    name = plan.identity(purpose)
    fields = "{id: id, clientId: clientId, principalId: principalId, tenantId: tenantId}"
    return Step(
        f"identity {name}",
        ("identity", "list", "--resource-group", plan.name, "--query", f"[?name=='{name}'].{fields} | [0]"),
        ("identity", "create", "--name", name, "--resource-group", plan.name, "--location", plan.location),
        known_as=purpose,
    )


def _role(plan: Plan, purpose: str, role: str, scope: str) -> Step:
    principal = f"<{purpose}.principalId>"
    query = f"[?principalId=='{principal}' && roleDefinitionName=='{role}'].id"
    return Step(
        f"role {role} of {plan.identity(purpose)} on {scope.rpartition('/')[2]}",
        ("role", "assignment", "list", "--scope", scope, "--fill-principal-name", "false", "--query", query),
        (
            *("role", "assignment", "create", "--role", role, "--scope", scope),
            *("--assignee-object-id", principal, "--assignee-principal-type", "ServicePrincipal"),
        ),
        "Log in as somebody who may assign roles",
    )


def _function_app(plan: Plan) -> Iterator[Step]:
    app = ("--name", plan.name, "--resource-group", plan.name)
    yield Step(
        f"function app {plan.name}",
        (
            *("functionapp", "list", "--resource-group", plan.name),
            *("--query", f"[?name=='{plan.name}'].{{host: defaultHostName}} | [0]"),
        ),
        (
            *("functionapp", "create", *app, "--storage-account", plan.account),
            *("--flexconsumption-location", plan.location, "--instance-memory", plan.memory),
            *("--runtime", "python", "--runtime-version", plan.python, "--https-only", "true"),
            *("--assign-identity", "<app.id>", "--deployment-storage-name", plan.account),
            *("--deployment-storage-container-name", PACKAGES),
            *("--deployment-storage-auth-type", "UserAssignedIdentity"),
            *("--deployment-storage-auth-value", "<app.id>"),
        ),
        "Choose another name with --name, or another region with --location",
        known_as="site",
    )
    wanted = settings(plan)
    names = " || ".join(f"name=='{name}'" for name in wanted)
    look = ("functionapp", "config", "appsettings", "list", *app, "--query")
    yield Step(
        "app settings",
        (*look, f"sort_by([?{names}].{{name: name, value: value}}, &name)"),
        (
            *("functionapp", "config", "appsettings", "set", *app, "--settings"),
            *(f"{name}={value}" for name, value in wanted.items()),
            *("--query", "[].name"),
        ),
        wanted=[{"name": name, "value": wanted[name]} for name in sorted(wanted)],
    )
    # `az functionapp create` stores a connection string with the account's key; the identity takes its place.
    yield Step(
        "no storage key in the app settings",
        (*look, "[?name=='AzureWebJobsStorage'].name"),
        (
            *("functionapp", "config", "appsettings", "delete", *app),
            *("--setting-names", "AzureWebJobsStorage", "--query", "[].name"),
        ),
        wanted=[],
    )


def settings(plan: Plan) -> dict[str, str]:
    """Return the app settings; each is explained in `.env.example` or docs/azure.md."""
    return {
        "AZURE_CLIENT_ID": "<app.clientId>",
        "AzureWebJobsStorage__accountName": plan.account,
        "AzureWebJobsStorage__clientId": "<app.clientId>",
        "AzureWebJobsStorage__credential": "managedidentity",
        "PYTHON_ISOLATE_WORKER_DEPENDENCIES": "1",
        "TOBAN_STORE_URL": plan.store_url,
    }


def _trust(plan: Plan, purpose: str, environment: str) -> Step:
    """Let workflows of one environment of the repository act as the identity, without a password.

    Source: https://docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-azure
    """
    identity = ("--identity-name", plan.identity(purpose), "--resource-group", plan.name)
    subject = f"repo:{plan.repository}:environment:{environment}"
    return Step(
        f"trust of {plan.identity(purpose)} in {subject}",
        ("identity", "federated-credential", "list", *identity, "--query", f"[?subject=='{subject}'].name"),
        (
            *("identity", "federated-credential", "create", *identity, "--name", f"github-{environment}"),
            *("--issuer", "https://token.actions.githubusercontent.com", "--subject", subject),
            *("--audiences", "api://AzureADTokenExchange"),
        ),
    )


def bot_key(plan: Plan) -> Step:
    """Return the step that gives the bot a key of its own, so that it can be renewed alone."""
    app = ("--name", plan.name, "--resource-group", plan.name)
    return Step(
        f"function key {BOT_KEY}",
        (
            "functionapp",
            "keys",
            "list",
            *app,
            "--query",
            f"contains(keys(functionKeys || `{{}}`), '{BOT_KEY}')",
        ),
        (
            *("functionapp", "keys", "set", *app, "--key-type", "functionKeys"),
            *("--key-name", BOT_KEY, "--query", "name"),
        ),
        "Deploy once before (docs/azure.md)",
    )


# --- the command line ---------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says: 0 done, 1 stopped, 2 values that cannot be used."""
    options = _parser().parse_args(arguments)
    new = options.command == "create"
    plan = _plan(options)
    problems = list(plan.problems(new=new))
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 2
    azure = Azure(plan.subscription, options.dry_run, print)
    try:
        if not options.dry_run and shutil.which("az") is None:
            raise Stopped(
                "az was not found.\nInstall Azure's command-line tools: https://aka.ms/installazurecli"
            )
        for step in steps(plan) if new else (bot_key(plan),):
            azure.bring_about(step)
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return 1
    if not options.dry_run:
        print(azure.fill("\n".join(_next_after_create(plan) if new else _next_after_key(plan))))
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    given = vars(options)
    return Plan(**{name: given[name] for name in Plan.__dataclass_fields__ if given.get(name)})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/azure.py", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="bring about everything that the function app needs")
    key = commands.add_parser("key", help="make the bot's key; the app must have been deployed once")
    for command in (create, key):
        command.add_argument("--subscription", required=True, help="id of the subscription (az account show)")
        command.add_argument(
            "--name", required=True, help="name of function app and resource group, unique in Azure"
        )
        command.add_argument("--dry-run", action="store_true", help="print every call and make none")
    create.add_argument("--location", required=True, help="region's short name, for instance japaneast")
    create.add_argument(
        "--repository", required=True, help="OWNER/NAME of the repository whose workflows deploy"
    )
    create.add_argument("--storage", help="name of the storage account (default: made from --name)")
    create.add_argument("--python", choices=PYTHONS, help="default 3.12")
    create.add_argument("--memory", choices=MEMORY_MB, help="megabytes of an instance, default 2048")
    return parser


def _next_after_create(plan: Plan) -> Iterator[str]:
    yield ""
    yield f"In GitHub, repository {plan.repository}, Settings, Environments: make these two."
    yield f"  {PRODUCTION:<12} variable AZURE_CLIENT_ID=<deploy.clientId>"
    yield f"  {TRAINING:<12} variable AZURE_CLIENT_ID=<train.clientId>"
    yield "In GitHub, Settings, Secrets and variables, Actions, Variables, of the repository:"
    yield f"  AZURE_FUNCTIONAPP_NAME={plan.name}"
    yield "  AZURE_TENANT_ID=<app.tenantId>"
    yield f"  AZURE_SUBSCRIPTION_ID={plan.subscription}"
    yield f"  TOBAN_STORE_URL={plan.store_url}"
    yield "For the bot:"
    yield "  TOBAN_FUNCTIONS_URL=https://<site.host>"
    yield "After the first deployment, its key:"
    yield f"  python scripts/azure.py key --subscription {plan.subscription} --name {plan.name}"


def _next_after_key(plan: Plan) -> Iterator[str]:
    yield ""
    yield "Show it, and give it to the bot as TOBAN_FUNCTIONS_KEY:"
    yield (
        f"  az functionapp keys list --name {plan.name} --resource-group {plan.name} "
        f"--subscription {plan.subscription} --query 'functionKeys.\"{BOT_KEY}\"' --output tsv"
    )


if __name__ == "__main__":
    sys.exit(main())
