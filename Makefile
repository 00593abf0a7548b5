# Every target makes what it needs from a plain Python 3.11 and pip; nothing outside this directory is touched.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# The stamps are newer than the lock and the project file once the environment holds exactly them.
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
# Peers are measured beside us in an environment of their own: as installed, and nothing that only tests need.
BENCH := .venv-bench
# Where bytecode is forbidden, each of the tests' many processes would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

demo: $(READY) ## collect some nights from a fake Buddy on this machine and show answers (no token, no network)
	@$(BIN)/collector demo

test: lint ## lint, then every test
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=10

coverage: $(READY_DEV) ## every test again, counting which lines and branches they reach; fails below the bound in pyproject.toml
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term

browser: ## Debian's Chromium, in which the tests open the report (needs root; without it they are left out)
	@command -v chromium >/dev/null \
		|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null

lint: $(READY_DEV) ## ruff (rules and format) and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(BENCH)/.ready ## measurements at full size, beside peers (an hour); writes tests/bench/RESULTS.md and the README's goals
	rm -rf .bench
	$(BENCH)/bin/python -m tests.bench

faults: $(READY_DEV) ## every fault and hundreds of kill points; rewrites the README's reliability table
	rm -rf .pytest_cache/d/faults
	$(BIN)/python -m pytest -m faults -n auto --dist worksteal; code=$$?; \
		$(BIN)/python -m tests.faults.ledger && exit $$code

notebooks: $(READY_DEV) ## execute the notebooks on a lake of 90 demo nights and keep their pictures
	test -f notebooks-lake/manifest.json || $(BIN)/collector demo --nights 90 --lake notebooks-lake > /dev/null
	$(BIN)/python notebooks/keep.py notebooks-lake

docs: $(READY_DEV) ## write docs/tables.md and docs/questions.md anew
	$(BIN)/python docs/generate.py

cron: $(READY_DEV) ## run the README's crontab line for real, by Debian's cron, against the fake (as root; takes two minutes)
	$(BIN)/python -m tests.after_run.cron

lock: $(READY_DEV) ## write constraints.txt anew from pyproject.toml
	$(BIN)/python -m piptools compile --quiet --strip-extras --all-extras --upgrade --no-header \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file=constraints.txt pyproject.toml

clean: ## remove the environment, caches and the demo's lake (never ./lake)
	rm -rf $(VENV) $(BENCH) .bench demo-lake notebooks-lake build dist .coverage .coverage.* coverage.xml .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "making $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)

$(READY): constraints.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned dependencies" >&2
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(READY_DEV): constraints.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned dependencies and the tools" >&2
	@$(PIP) install --constraint constraints.txt --editable '.[dev,notebooks]'
	@touch $@ $(READY)

$(BENCH)/.ready: constraints.txt pyproject.toml
	@echo "making $(BENCH), with the peers to measure beside" >&2
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip --quiet --disable-pip-version-check --no-input install --constraint constraints.txt --editable '.[bench]'
	@touch $@

.PHONY: help demo test coverage browser lint bench faults notebooks docs cron lock clean
