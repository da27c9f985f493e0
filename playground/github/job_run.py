"""The steps of one job, really executed: contexts, conditions, programs, outputs, logs."""

import asyncio
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playground.github.actions import ACTIONS, ActionFailed, Use
from playground.github.expressions import BadExpression, condition, fill_in, to_text, value_of
from playground.github.git import GitFailed
from playground.github.interference import Interference, Steering, Verdict
from playground.github.loopback import Loopback
from playground.github.process import Process
from playground.github.repositories import Repository
from playground.github.runner_commands import FILES, BadFile, Log, read_pairs
from playground.github.runs import Job, Run, Step

SHELLS = {
    # https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions#jobsjob_idstepsshell
    None: ["bash", "-e", "{0}"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"],
    "sh": ["sh", "-e", "{0}"],
    "python": ["python", "{0}"],
}
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ")


class JobRun:
    """One job while it runs; *contexts* are those that do not change with its steps."""

    def __init__(
        self,
        github: Loopback,
        repository: Repository,
        run: Run,
        job: Job,
        contexts: Mapping[str, Any],
        interference: Interference,
    ) -> None:
        self._github = github
        self._repository = repository
        self._run = run
        self._job = job
        self._interference = interference
        self._folder = Path(tempfile.mkdtemp(prefix="loopback-runner-"))
        self._workspace = self._folder / "work" / repository.name / repository.name
        self._temp = self._folder / "temp"
        for folder in (self._workspace, self._temp, self._folder / "home"):
            folder.mkdir(parents=True)
        secrets = [to_text(secret) for secret in contexts["secrets"].values()]
        self._log = Log(secrets)
        self._env: dict[str, str] = {}
        self._path: list[str] = []
        self._steps: dict[str, Any] = {}
        self._processes: list[Process] = []
        self._working: asyncio.Task[str] | None = None
        self._failed = False
        runner = {
            "os": "Linux",
            "arch": "X64",
            "name": f"loopback {job.runner}",
            "environment": "self-hosted",
            "temp": str(self._temp),
            "tool_cache": str(self._folder / "tools"),
            "debug": "",
        }
        self._contexts = {**contexts, "runner": runner, "steps": self._steps, "job": {"status": "success"}}
        self._contexts["github"] = {**contexts["github"], "job": job.key, "workspace": str(self._workspace)}

    async def run(self) -> str:
        """Do every step and return the job's conclusion."""
        first, *steps, last = self._job.steps
        self._begin(first)
        self._say(first, f"Current runner: the loopback GitHub, Python {sys.version.partition(' ')[0]}")
        self._end(first, "success")
        try:
            for step in steps:
                await self._do(step)
            conclusion = self._conclusion()
            self._begin(last)
            self._finish_outputs(last)
            self._end(last, "success")
        finally:
            await asyncio.gather(*(process.end() for process in self._processes))
            if self._working is not None and not self._working.done():
                self._working.cancel()
                await asyncio.gather(self._working, return_exceptions=True)
            self._job.annotations += self._log.annotations
            shutil.rmtree(self._folder, ignore_errors=True)
        return conclusion

    def _conclusion(self) -> str:
        if self._job.stopped_as is not None:
            return self._job.stopped_as
        return "failure" if self._failed else "success"

    async def _do(self, step: Step) -> None:
        assert step.file is not None
        if not self._wanted(step):
            self._end(step, "skipped")
            return
        self._begin(step)
        steering = self._interference.begin(self._run, self._job, step)
        try:
            outcome = await self._steered(step, steering)
        finally:
            self._interference.end(steering)
        step.outcome = outcome
        forgiven = outcome == "failure" and self._truth(step.file.continue_on_error)
        self._failed |= outcome == "failure" and not forgiven
        self._end(step, "success" if forgiven else outcome)

    def _wanted(self, step: Step) -> bool:
        assert step.file is not None
        stopped, failed = self._job.stopped_as is not None, self._failed
        functions = {
            "success": lambda: not failed and not stopped,
            "failure": lambda: failed and not stopped,
            "always": lambda: True,
            "cancelled": lambda: stopped,
        }
        self._contexts["job"] = {"status": "cancelled" if stopped else "failure" if failed else "success"}
        try:
            return condition(step.file.condition, self._with_env(step), functions)
        except BadExpression as error:
            self._begin(step)
            self._complain(step, str(error))
            self._failed = True
            return False

    async def _steered(self, step: Step, steering: Steering) -> str:
        """Run the step, unless or until somebody decides how it ends, stops the job, or time is over."""
        if steering.held and not steering.verdict.done():
            await self._first_of(steering.verdict, stoppable=not step.after_stop)
        verdict = steering.verdict.result() if steering.verdict.done() else None
        if verdict is not None and verdict.conclusion is not None:
            return self._decided(step, verdict)
        if self._is_stopped_now(step):
            return self._stopped()
        if verdict is not None:  # released: the wheel is free for another decision
            steering.verdict = asyncio.get_running_loop().create_future()
        work = self._working = asyncio.create_task(self._work(step))
        minutes = step.file.timeout_minutes if step.file else None
        limit = (
            None
            if minutes is None
            else float(self._value(minutes, step)) * self._github.settings.minute_seconds
        )
        await self._first_of(work, steering.verdict, seconds=limit, stoppable=not step.after_stop)
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        if steering.verdict.done() and steering.verdict.result().conclusion is not None:
            return self._decided(step, steering.verdict.result())
        if self._is_stopped_now(step):
            self._complain(step, "The operation was canceled.")
            return self._stopped()
        self._complain(step, f"The action '{step.name}' has timed out after {to_text(minutes)} minutes.")
        return "failure"

    def _is_stopped_now(self, step: Step) -> bool:
        """Tell whether the job was stopped while the step ran: what runs because of the stop goes on."""
        return self._job.stop.is_set() and not step.after_stop

    def _stopped(self) -> str:
        return str(self._job.stopped_as) if self._job.stopped_as in ("success", "failure") else "cancelled"

    async def _first_of(
        self, *waited: asyncio.Future[Any], seconds: float | None = None, stoppable: bool = True
    ) -> None:
        stop = asyncio.ensure_future(self._job.stop.wait())
        try:
            await asyncio.wait(
                {*waited, *([stop] if stoppable else [])},
                timeout=seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            stop.cancel()

    def _decided(self, step: Step, verdict: Verdict) -> str:
        for line in verdict.log.splitlines():
            self._write(step, line)
        if verdict.conclusion == "failure":
            self._complain(step, "Process completed with exit code 1.")
        return str(verdict.conclusion)

    async def _work(self, step: Step) -> str:
        assert step.file is not None
        try:
            if step.file.uses is not None:
                return await self._use(step, step.file.uses)
            return await self._script(step, str(step.file.run))
        except (BadExpression, ActionFailed, BadFile, GitFailed, OSError) as error:
            self._complain(step, str(error))
            return "failure"

    async def _use(self, step: Step, uses: str) -> str:
        assert step.file is not None
        action = ACTIONS.get(uses.partition("@")[0].lower())
        self._say(step, f"##[group]Run {uses}", "##[endgroup]")
        if action is None:
            self._say(step, f"The loopback GitHub does not run {uses}: skipped")
            return "skipped"
        given = self._value(step.file.with_, step)
        use = Use(
            self._github,
            self._repository,
            self._run,
            self._workspace,
            given,
            lambda line: self._write(step, line),
        )
        # Off the loop: a large checkout or artifact must not make the whole GitHub wait.
        await asyncio.to_thread(action, use)
        self._path[:0] = use.path
        self._remember(step, use.outputs)
        return "success"

    async def _script(self, step: Step, source: str) -> str:
        assert step.file is not None
        contexts, settings = self._with_env(step), self._github.settings
        text = fill_in(source, contexts, self._functions())
        self._say(
            step, f"##[group]Run {text.splitlines()[0] if text else ''}", *text.splitlines(), "##[endgroup]"
        )
        files = {name: self._temp / f"{name.lower()}_{step.number}" for name in FILES}
        for file in files.values():
            file.touch()
        shell = step.file.shell or self._default("shell")
        command = SHELLS.get(shell) or (shell.split() if shell and "{0}" in shell else None)
        if command is None:
            self._complain(step, f"the loopback GitHub has no shell {shell!r}")
            return "failure"
        script = self._temp / f"script_{step.number}"
        script.write_text(text, encoding="utf-8")
        folder = self._workspace / to_text(
            self._value(step.file.working_directory or self._default("working-directory") or ".", step)
        )
        env = {**self._environ(), **{name: str(file) for name, file in files.items()}, **contexts["env"]}
        env["PATH"] = os.pathsep.join([*self._path, env["PATH"]])
        words = [word.replace("{0}", str(script)) for word in command]
        process = await Process.start(words, folder, env, lambda line: self._write(step, line))
        self._processes.append(process)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await process.interrupt(settings.interrupt_seconds, settings.terminate_seconds)
            raise
        finally:
            self._collect(step, files)
        if code != 0:
            self._complain(step, f"Process completed with exit code {code}.")
        return "success" if code == 0 else "failure"

    def _collect(self, step: Step, files: Mapping[str, Path]) -> None:
        """Take what a step wrote into its files."""
        self._remember(step, read_pairs(files["GITHUB_OUTPUT"]))
        self._env |= read_pairs(files["GITHUB_ENV"])
        self._path[:0] = reversed(files["GITHUB_PATH"].read_text(encoding="utf-8").split("\n")[:-1])

    def _remember(self, step: Step, outputs: Mapping[str, str]) -> None:
        if step.file is not None and step.file.id:
            self._steps.setdefault(step.file.id, {})["outputs"] = dict(outputs)

    def _finish_outputs(self, last: Step) -> None:
        try:
            self._job.environment_url = self._environment_url()
        except BadExpression as error:
            self._complain(last, str(error))
        for name, given in self._job.file.outputs.items():
            try:
                self._job.outputs[name] = to_text(value_of(given, self._contexts, self._functions()))
            except BadExpression as error:
                self._complain(last, str(error))

    def _environment_url(self) -> str:
        """Return the address that a job gives its environment, which may use what the steps have put out.

        https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
        """
        environment = self._job.file.environment
        given = environment.get("url") if isinstance(environment, dict) else None
        return to_text(value_of(given, self._contexts, self._functions())) if given else ""

    def _with_env(self, step: Step) -> dict[str, Any]:
        """Return the contexts with the environment that a step sees: workflow, job, files, step."""
        contexts = dict(self._contexts)
        env: dict[str, str] = {}
        file = self._run.file
        for given in (
            file.env if file else {},
            self._job.file.env,
            self._env,
            step.file.env if step.file else {},
        ):
            contexts["env"] = env
            env = {
                **env,
                **{
                    name: to_text(
                        value if given is self._env else value_of(value, contexts, self._functions())
                    )
                    for name, value in given.items()
                },
            }
        return {**contexts, "env": env}

    def _value(self, given: Any, step: Step) -> Any:
        return value_of(given, self._with_env(step), self._functions())

    def _truth(self, given: Any) -> bool:
        return to_text(value_of(given, self._contexts, self._functions())) == "true"

    def _default(self, name: str) -> str | None:
        for where in (self._job.file.defaults, self._run.file.defaults if self._run.file else {}):
            found = (where.get("run") or {}).get(name)
            if found is not None:
                return str(found)
        return None

    def _functions(self) -> dict[str, Any]:
        return {"hashfiles": self._hash_files}

    def _hash_files(self, *patterns: str) -> str:
        """Return a digest of the files that match, or nothing when none does."""
        found = sorted(
            path for pattern in patterns for path in self._workspace.glob(pattern) if path.is_file()
        )
        hashed = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in found)
        return hashlib.sha256(hashed).hexdigest() if found else ""

    def _environ(self) -> dict[str, str]:
        """Return the variables that every step sees.

        https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables
        """
        github, runner = self._contexts["github"], self._contexts["runner"]
        event = self._temp / "event.json"
        event.write_text(json.dumps(github["event"]), encoding="utf-8")
        named = (
            "action actor api_url base_ref event_name graphql_url head_ref job ref ref_name ref_type "
            "repository repository_id repository_owner run_attempt run_id run_number server_url sha "
            "triggering_actor workflow workflow_ref workflow_sha workspace"
        )
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {
            "PATH": os.defpath,
            **inherited,
            "HOME": str(self._folder / "home"),
            "TMPDIR": str(self._temp),
            **self._github.settings.environ,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(event),
            **{f"GITHUB_{name.upper()}": to_text(github.get(name)) for name in named.split()},
            **{f"RUNNER_{name.upper()}": to_text(value) for name, value in runner.items() if value},
        }

    def _begin(self, step: Step) -> None:
        step.status, step.started_at = "in_progress", self._github.now()
        step.after_stop = self._job.stop.is_set()
        self._publish(step)

    def _end(self, step: Step, conclusion: str) -> None:
        now = self._github.now()
        step.status, step.conclusion, step.completed_at = "completed", conclusion, now
        step.started_at = now if step.started_at is None else step.started_at
        if step.file is not None and step.file.id:
            known = self._steps.setdefault(step.file.id, {"outputs": {}})
            known |= {"outcome": step.outcome or conclusion, "conclusion": conclusion}
            known.setdefault("outputs", {})
        self._publish(step)

    def _publish(self, step: Step) -> None:
        self._github.feed.publish(
            "step",
            run_id=self._run.id,
            job=self._job.key,
            step=step.name,
            status=step.status,
            conclusion=step.conclusion,
        )

    def _complain(self, step: Step, text: str) -> None:
        self._write(step, f"::error::{text}")

    def _say(self, step: Step, *lines: str) -> None:
        for line in lines:
            self._stamp(step, self._log.masked(line))

    def _write(self, step: Step, line: str) -> None:
        shown = self._log.read(line)
        if shown is not None:
            self._stamp(step, shown)

    def _stamp(self, step: Step, line: str) -> None:
        moment = datetime.fromtimestamp(self._github.now(), UTC)
        step.log.append(f"{moment.strftime('%Y-%m-%dT%H:%M:%S.%f')}0Z {line}")
