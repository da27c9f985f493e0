# `make help` lists what there is. Everything runs in .venv, which the first command sets up.
# PYTHON=/path/to/python3.12 chooses the interpreter, VENV=folder another environment, WORKERS how many tests run at once.

VENV ?= .venv
PYTHON ?=
ONCE ?=
PYTEST_ARGS ?=
WORKERS ?= 4

run := $(VENV)/bin/python
ready := $(VENV)/.ready
formatted := .
at_once = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

.PHONY: help setup setup-3.13 setup-mlflow demo test test-full check audit fix messages bench reliability lock clean clean-all
.PHONY: check-format check-lint check-types check-imports check-docs check-workflows check-locks

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

$(ready): scripts/setup.sh pyproject.toml requirements/build.txt requirements/lock.txt
	@VENV='$(VENV)' PYTHON='$(PYTHON)' sh scripts/setup.sh
	@touch $@

setup: $(ready) ## set up .venv only

setup-3.13: ## set up .venv-3.13 too, in which tests load the function app by Azure's own library
	@$(MAKE) --no-print-directory setup VENV=.venv-3.13 PYTHON='$(or $(PYTHON),python3.13)'

setup-mlflow: $(ready) ## install an MLflow server under .parts, with which the tests then talk (850 MB)
	$(run) -m venv .parts/mlflow
	.parts/mlflow/bin/python -m pip install --quiet --disable-pip-version-check mlflow==3.17.2

demo: $(ready) ## play the story on this machine, then hand over a prompt (ONCE=1: play, check, end)
	@$(run) -m playground $(if $(filter-out 0 no,$(ONCE)),--once)

test: $(ready) ## run the tests (minutes); lists what it skipped and why
	@$(run) -m pytest $(at_once) -m "not slow" $(PYTEST_ARGS)

test-full: $(ready) ## run every test, the long ones too
	@HYPOTHESIS_PROFILE=full $(run) -m pytest $(at_once) $(PYTEST_ARGS)

check: $(ready) ## format, lint, types, import contracts, docs, workflows, lock files; changes nothing
	@$(MAKE) --no-print-directory --keep-going check-format check-lint check-types check-imports check-docs \
		check-workflows check-locks

check-format: $(ready)
	$(run) -m ruff format --quiet --check $(formatted)

check-lint: $(ready)
	$(run) -m ruff check --quiet $(formatted)

check-types: $(ready)
	$(run) -m mypy --no-error-summary

check-imports: $(ready)
	PYTHONPATH=. $(VENV)/bin/lint-imports --no-cache

check-docs: $(ready)
	$(run) -m pytest --quiet tests/docs

check-workflows: $(ready)
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(VENV)/bin/zizmor --offline --no-progress --quiet .github

check-locks: $(ready)
	$(run) scripts/lock.py --check

audit: $(ready) ## ask PyPI whether a locked package has a known weakness; needs the network
	$(run) -m uv venv --quiet --clear .parts/audit
	$(run) -m uv pip install --quiet --python .parts/audit/bin/python --require-hashes -r requirements/audit.txt
	.parts/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		-r requirements/lock.txt -r requirements/audit.txt

fix: $(ready) ## format, and mend what the linter can mend
	$(run) -m ruff check --fix --quiet --exit-zero $(formatted)
	$(run) -m ruff format $(formatted)
	$(run) -m ruff check $(formatted)

messages: $(ready) ## write docs/messages.md again, and take its pictures in Chromium
	$(run) -m playground.gallery --pictures

bench: $(ready) ## measure, as ratios against peers in the same run (see benchmarks/README.md)
	@$(run) -m benchmarks $(BENCH_ARGS)

reliability: $(ready) ## kill bots and hosts 200 times, count what came of it, write docs/reliability.md
	@$(run) -m benchmarks.reliability $(RELIABILITY_ARGS)

lock: $(ready) ## write the lock files again after a change of dependencies (UPGRADE=1: newest versions)
	$(run) scripts/lock.py $(if $(filter-out 0 no,$(UPGRADE)),--upgrade)

clean: ## forget the demo's data and every cache; keeps .venv
	rm -rf .playground .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

clean-all: clean ## and .venv
	rm -rf .venv .venv-3.13 .parts $(VENV)
