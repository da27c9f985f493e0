"""As much of MLflow's REST API as a model registry needs, in memory; errors are in MLflow's own words."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

PREFIX = "/api/2.0/mlflow/"
Json = dict[str, Any]


class Failure(Exception):
    """MLflow answers with this status, error code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.body = status, {"error_code": code, "message": message}
        super().__init__(message)


class MlflowStandIn:
    """A registry on a free port. `token` is asked for where it is set; `down` lets every request fail."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.down = False
        self.moves: list[Json] = []
        self._models: dict[str, Json] = {}
        self._versions: dict[tuple[str, str], Json] = {}
        self._runs: dict[str, dict[str, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, given: Json) -> Json:
        """Return what MLflow answers."""
        return self._routes[path](given)

    @property
    def _routes(self) -> dict[str, Callable[[Json], Json]]:
        return {
            "experiments/create": lambda given: {"experiment_id": "1"},
            "runs/create": self._create_run,
            "runs/log-metric": self._log_metric,
            "runs/get": self._get_run,
            "registered-models/create": self._create_model,
            "registered-models/get": lambda given: {"registered_model": self._shown(given["name"])},
            "registered-models/search": lambda given: {
                "registered_models": list(map(self._shown, self._models))
            },
            "registered-models/alias": self._set_alias,
            "model-versions/create": self._create_version,
            "model-versions/get": lambda given: {"model_version": self._version(given)},
            "model-versions/search": self._search,
            "model-versions/set-tag": self._set_tag,
        }

    def _create_run(self, given: Json) -> Json:
        run_id = f"{len(self._runs):032x}"
        self._runs[run_id] = {}
        return {
            "run": {"info": {"run_id": run_id, "artifact_uri": f"mlflow-artifacts:/1/{run_id}/artifacts"}}
        }

    def _log_metric(self, given: Json) -> Json:
        self._runs[given["run_id"]][given["key"]] = given["value"]
        return {}

    def _get_run(self, given: Json) -> Json:
        if given["run_id"] not in self._runs:
            raise Failure(404, "RESOURCE_DOES_NOT_EXIST", f"Run with id={given['run_id']} not found")
        metrics = [{"key": key, "value": value} for key, value in self._runs[given["run_id"]].items()]
        return {"run": {"info": {"run_id": given["run_id"]}, "data": {"metrics": metrics}}}

    def _create_model(self, given: Json) -> Json:
        self._models[given["name"]] = {}
        return {}

    def _shown(self, name: str) -> Json:
        if name not in self._models:
            raise Failure(404, "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={name} not found")
        aliases = [{"alias": alias, "version": version} for alias, version in self._models[name].items()]
        return {"name": name, **({"aliases": aliases} if aliases else {})}

    def _create_version(self, given: Json) -> Json:
        number = str(1 + sum(name == given["name"] for name, _ in self._versions))
        record = {
            "name": given["name"],
            "version": number,
            "creation_timestamp": 1795257933972,
            "run_id": given.get("run_id", ""),
            "status": "READY",
        }
        self._versions[given["name"], number] = record
        return {"model_version": record}

    def _version(self, given: Json) -> Json:
        found = self._versions.get((given["name"], given["version"]))
        if found is None:
            named = f"(name={given['name']}, version={given['version']})"
            raise Failure(404, "RESOURCE_DOES_NOT_EXIST", f"Model Version {named} not found")
        return found

    def _search(self, given: Json) -> Json:
        name = given["filter"].removeprefix("name='").removesuffix("'")
        found = [record for (model, _), record in self._versions.items() if model == name]
        newest_first = sorted(found, key=lambda record: -int(record["version"]))
        return {"model_versions": newest_first[: int(given["max_results"])]}

    def _set_alias(self, given: Json) -> Json:
        self._version(given)
        self._models[given["name"]][given["alias"]] = given["version"]
        self.moves.append(given)
        return {}

    def _set_tag(self, given: Json) -> Json:
        tags = self._version(given).setdefault("tags", [])
        tags[:] = [tag for tag in tags if tag["key"] != given["key"]]
        tags.append({"key": given["key"], "value": given["value"]})
        return {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._take(dict(parse_qsl(urlsplit(self.path).query)))

            def do_POST(self) -> None:
                self._take(json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def _take(self, given: Json) -> None:
                path = urlsplit(self.path).path.removeprefix(PREFIX)
                if registry.down:
                    return self._send(503, b"no server available", "text/plain")
                if registry.token and self.headers["authorization"] != f"Bearer {registry.token}":
                    return self._send(401, b"You are not authenticated.", "text/html")
                try:
                    body, status = registry.answer(path, given), 200
                except Failure as failure:
                    body, status = failure.body, failure.status
                return self._send(status, json.dumps(body).encode(), "application/json")

            def _send(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def call(url: str, path: str, **body: Any) -> Json:
    """Do one thing at an MLflow server, whichever it is."""
    reply = requests.post(f"{url}{PREFIX}{path}", json=body, timeout=30)
    reply.raise_for_status()
    answer: Json = reply.json()
    return answer


def train(url: str, model: str, **metrics: float | str) -> str:
    """Register a version of *model* made by a run with *metrics*; return its number."""
    run = call(url, "runs/create", experiment_id="0", start_time=1)["run"]["info"]
    for key, value in metrics.items():
        call(url, "runs/log-metric", run_id=run["run_id"], key=key, value=value, timestamp=1, step=0)
    source = f"{run['artifact_uri']}/model"
    made = call(url, "model-versions/create", name=model, source=source, run_id=run["run_id"])
    return str(made["model_version"]["version"])


def churn(url: str) -> None:
    """Make the model `churn` with two versions; `champion` is the first."""
    call(url, "registered-models/create", name="churn")
    train(url, "churn", auc=0.81, logloss=0.41)
    train(url, "churn", auc=0.84, logloss=0.43)
    call(url, "registered-models/alias", name="churn", alias="champion", version="1")
