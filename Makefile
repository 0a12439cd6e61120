# The two commands a newcomer needs are `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
JASMIN ?= .venv-jasmin
BIN := $(VENV)/bin
# Thousands of small databases: in memory where that can be had. What a disk does is tried by `make stress` and `make faults`.
IN_MEMORY := PYTEST_DEBUG_TEMPROOT=$(shell test -w /dev/shm && echo /dev/shm)
# Who has done his share takes over half of another's: shares are whole folders, and those with browsers and processes last longest.
SHARED := --dist worksteal
# Hundreds of processes are started: none compiles again what another has compiled, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run setup test quick stress faults faults-long peers types lint format floors cover bench screens triage-model sure clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: $(VENV)/.made ## Run the demo: Redis, web, desk, workers, clock, browser phones
	$(BIN)/hotline up --demo

setup: $(VENV)/.made ## Make the environment alone: .venv/, with .venv/bin/hotline

test: $(VENV)/.made-dev ## Run the whole suite but `make stress` and `make faults` (PostgreSQL too where HOTLINE_TEST_DATABASE_URL is set)
	$(IN_MEMORY) $(BIN)/pytest -q $(SHARED) -n 3 -m "not faults and not long"

quick: $(VENV)/.made-dev ## Run the tests that start no processes and no browser
	$(IN_MEMORY) $(BIN)/pytest -q $(SHARED) -n 3 -m "not processes and not browser and not faults and not long"

stress: $(VENV)/.made-dev ## Run the tests that kill, stop, fill and hang the parts, one by one
	$(BIN)/pytest -q $(SHARED) -n 2 -m "faults and not long and not timed and not act"
	$(BIN)/pytest -q -m "timed and not long"

faults: $(VENV)/.made-dev ## Break a whole hotline while signed texts come in, and account for every one of them
	$(BIN)/python -m tests.faults.harness

faults-long: $(VENV)/.made-dev ## Both with large numbers: 100,000 texts, and the report for docs/evidence/
	$(BIN)/pytest -q -n 2 -m long
	$(BIN)/python -m tests.faults.harness --long --report docs/evidence/faults.md

types: $(VENV)/.made-dev ## Check types
	$(BIN)/mypy

lint: $(VENV)/.made-dev ## Check style
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(VENV)/.made-dev ## Put every file into shape
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

floors: $(VENV)/.made-dev ## Check who imports whom
	$(BIN)/lint-imports

cover: $(VENV)/.made-dev ## Measure what the tests reach
	$(BIN)/pytest -q -n 2 --cov --cov-report=term

bench: $(VENV)/.made-dev ## Measure the webhook and the whole path, as ratios to bare Flask
	$(BIN)/python benchmarks/ingest.py --quick

peers: $(VENV)/.made-dev ## Let a real Kannel and a real Jasmin (JASMIN=its environment) carry texts both ways; installs neither
	$(BIN)/python tools/peers/run.py --jasmin $(JASMIN)

screens: $(VENV)/.made-dev ## Take the pictures of all screens from the running demo, into docs/screens
	$(BIN)/python tools/screens.py

triage-model: $(VENV)/.made-dev ## Train triage's statistical model anew from its corpus
	$(BIN)/python -m hotline.triage.train

sure: lint types floors test stress faults ## All that CI checks, quickest first

clean: ## Remove the environment; the instance folder with its keys stays
	rm -rf $(VENV)

$(VENV)/.made: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.made-dev: $(VENV)/.made requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
