# Everything that is done often, in one place. `make` alone lists it. Needs Python 3.11 or newer with venv, and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TESTS ?= tests
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench pictures docs clean

help: ## list what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */  make \1|/' | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

demo: $(VENV)/.ready ## a live event with thousands of simulated listeners, and the address to watch it
	@$(BIN)/fanout demo $(ARGS)

test: $(VENV)/.ready-dev ## the whole suite (TESTS=tests/core for a part of it, WORKERS=0 for one after the other)
	@$(BIN)/python tests/components.py --install
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadgroup $(TESTS)

check: $(VENV)/.ready-dev ## style, types, layers, documentation: what takes seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict --site-dir $(VENV)/site

format: $(VENV)/.ready-dev ## put the code into the form that `check` wants
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready-dev ## the benchmarks, side by side with what else can be had here
	$(BIN)/python -m benchmarks $(ARGS)

pictures: $(VENV)/.ready-dev ## the pictures of the pages that the documentation shows
	$(BIN)/python -m tests.pages.pictures $(ARGS)

docs: $(VENV)/.ready-dev ## the documentation on a local address, built anew at every change
	$(BIN)/mkdocs serve

clean: ## take away what was made here
	rm -rf $(VENV) site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The stamps: an installation is done again when what it depends on has changed.

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "fanout needs Python 3.11 or newer; try: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "venv is missing; try: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.ready-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.ready
