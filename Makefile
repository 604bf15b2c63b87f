# `make demo` and `make test` do all their own set-up: a virtual environment in .venv and every dependency.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RECORDINGS := $(wildcard ../shared/data)
ifneq ($(RECORDINGS),)
export WAYSIDE_RECORDINGS ?= $(abspath $(RECORDINGS))
endif

BENCH_ZIP ?= $(wildcard $(WAYSIDE_RECORDINGS)/gtfs-large/manhattan-bus.zip)

.PHONY: help setup demo test check format test-recorded fuzz-api bench clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.setup: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Wayside needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 …") if sys.version_info < (3, 11) else None'
	@echo "setting up $(VENV): virtual environment and run-time dependencies (about a minute the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -e .
	@touch $@

$(VENV)/.setup-dev: $(VENV)/.setup
	@echo "adding the tools that check and test …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --group dev
	@touch $@

setup: $(VENV)/.setup  ## make .venv with everything that running needs

demo: setup  ## a generated city, live in the browser: no network, no account
	@$(BIN)/wayside demo

test: $(VENV)/.setup-dev check  ## set up, then the whole gate

check: $(VENV)/.setup-dev  ## the gate: format, lint, types, arrows, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

format: $(VENV)/.setup-dev  ## put the code into the house's shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test-recorded: $(VENV)/.setup-dev  ## only the tests on recordings; fails without WAYSIDE_RECORDINGS
	@test -n "$$WAYSIDE_RECORDINGS" || { echo "WAYSIDE_RECORDINGS is not set: point it at the folder of recordings" >&2; exit 1; }
	$(BIN)/pytest -m recorded

fuzz-api: $(VENV)/.setup-dev  ## ask everything that /openapi.json allows, 2,000 times an operation and pass (about half an hour)
	$(BIN)/python -m tests.api.fuzz --examples $(or $(EXAMPLES),2000)

bench: $(VENV)/.setup-dev  ## how fast it is, in two minutes; BENCH_ZIP=gtfs.zip for a city of your own (needs wrk)
	$(BIN)/python -m bench $(BENCH_ZIP)

clean:  ## remove what was generated
	rm -rf $(VENV) var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
