# Every target needs Python 3.11 and pip only and installs the rest into this directory.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# These files are newer than the lock and the project file if the environment is up to date.
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
# Benchmarks have their own environment, with the peers and without what only tests need.
BENCH := .venv-bench
# Without bytecode, each of the tests' many processes would compile the program again.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

demo: $(READY) ## collect some runs from a fake Buddy on this machine and show answers (no token, no network)
	@$(BIN)/collector demo

demo-s3: $(READY_DEV) ## the same demo in a bucket of an object store on this machine, which is started for it
	@$(BIN)/python -m tests.object_store.demo

test: $(READY_DEV) ## run lint and all tests
	@$(MAKE) --no-print-directory --jobs=2 lint pytest

pytest: $(READY_DEV)
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=10

coverage: $(READY_DEV) ## run all tests with branch coverage; fail below the limit in pyproject.toml
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term

browser: ## install Debian's Chromium (needs root) and axe-core (npm) for the tests of the report, skipped without
	@test -f node_modules/axe-core/axe.min.js || npm install --silent --no-save --no-package-lock axe-core@4.14.1 \
		|| echo "axe-core was not installed: its test is skipped" >&2
	@command -v chromium >/dev/null \
		|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null

lint: $(READY_DEV) ## run ruff (rules and format) and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(BENCH)/.ready ## run all benchmarks (an hour); write docs/benchmarks.md
	rm -rf .bench
	$(BENCH)/bin/python -m tests.bench

# Most of these tests wait for time-outs, so more of them than cores run at once; those that count how much of a rate
# limit is used need a core each.
faults: $(READY_DEV) ## test every fault and hundreds of kill points; write the table of docs/reliability.md
	rm -rf .pytest_cache/d/faults
	@limits=tests/faults/test_rate_limit.py; code=0; \
		for part in "-n $$((3 * $$(nproc))) --ignore $$limits" "-n auto $$limits"; do \
			$(BIN)/python -m pytest -m faults --dist worksteal $$part || code=$$?; \
		done; $(BIN)/python -m tests.faults.ledger && exit $$code

engines: $(READY_DEV) ## compare every question on Sail with DuckDB's rows (ENGINE=sc://host:15002: on that server)
	ENGINE=$(ENGINE) $(BIN)/python -m pytest -m engines -n 0

notebooks: $(READY_DEV) ## execute the notebooks on a lake of 90 demo runs; save those with changed code (ALL=--all: all)
	test -f notebooks-lake/manifest.json || $(BIN)/collector demo --nights 90 --lake notebooks-lake > /dev/null
	$(BIN)/python notebooks/keep.py notebooks-lake $(ALL)

docs: $(READY_DEV) ## write the generated documents: tables, questions, man pages, parts of architecture
	$(BIN)/python docs/generate.py

pictures: $(READY_DEV) ## draw the README's pictures from a demo lake (needs Chromium: make browser)
	$(BIN)/collector demo --lake demo-lake > /dev/null
	PYTHONPATH=. $(BIN)/python docs/pictures.py demo-lake

man: docs ## write the man pages from the help (man -l docs/man/collector.1)

package: $(READY_DEV) ## build the wheel and the sdist, and try each in an empty environment
	$(BIN)/python -m tests.packaging.installed

cron: $(READY_DEV) ## run the README's crontab line with Debian's cron and the fake Buddy (needs root; two minutes)
	$(BIN)/python -m tests.after_run.cron

lock: $(READY_DEV) ## write uv.lock and constraints.txt from pyproject.toml (UPGRADE=--upgrade: newest versions)
	$(BIN)/uv lock --quiet $(UPGRADE) --default-index https://pypi.org/simple
	$(BIN)/uv export --quiet --frozen --all-extras --no-hashes --no-emit-project --no-header --output-file constraints.txt

clean: ## remove environments, caches and the demo's lake (never ./lake)
	rm -rf $(VENV) $(BENCH) .bench demo-lake notebooks-lake build dist .coverage .coverage.* coverage.xml .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; set its path with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "creating $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)

$(READY): constraints.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned dependencies" >&2
	@$(PIP) install --constraint constraints.txt --editable '.[report]'
	@touch $@

$(READY_DEV): constraints.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned dependencies and tools" >&2
	@$(PIP) install --constraint constraints.txt --editable '.[dev,engines,notebooks,polars,report,s3]'
	@touch $@ $(READY)

$(BENCH)/.ready: constraints.txt pyproject.toml
	@echo "creating $(BENCH)" >&2
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip --quiet --disable-pip-version-check --no-input install --constraint constraints.txt --editable '.[bench,report,s3]'
	@touch $@

.PHONY: help demo demo-s3 test pytest coverage browser lint bench faults engines notebooks docs man pictures package cron lock clean
