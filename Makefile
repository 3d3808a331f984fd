# orewatch: install, demo, test, check, bench.
.POSIX:
.SUFFIXES:

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
CODE = orewatch edge_agent collector api dashboards tests benchmarks

.PHONY: help install demo test check format bench bundle proto reference lock clean python

help:
	@echo "make demo     install, then four live units on this machine (Ctrl-C stops them)"
	@echo "make test     all tests"
	@echo "make check    lint, types, layers"
	@echo "make bench    measure, print a table, write benchmarks/latest.json"
	@echo "make bundle   a folder to install from where there is no network: dist/"
	@echo "make install  only install, into $(VENV)/"

python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] <= (3, 13); \
	ok or sys.exit("orewatch needs Python 3.11, 3.12 or 3.13; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12 ..." % v[:2])'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	{ echo "orewatch needs Python's venv module (on Debian: the package python3-venv)."; exit 1; }

install: $(VENV)/installed

$(VENV)/installed: locks/dev.txt pyproject.toml
	@$(MAKE) --no-print-directory python
	@echo "Installing into $(VENV)/ (once; a minute or two) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement locks/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	@$(BIN)/orewatch demo $(ARGS)

test: install
	@$(BIN)/python -m pytest $(ARGS)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install
	@$(BIN)/python -m benchmarks.run $(ARGS)

bundle: install
	@$(BIN)/python -m deploy.bundle $(ARGS)

proto: install
	$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. orewatch/sparkplug/sparkplug_b.proto

reference: install
	$(BIN)/python -m tests.configuration_reference

# Needs uv; the lock files name no index host.
lock:
	uv pip compile pyproject.toml --extra demo --extra dashboards --extra certificates --group dev -q $(LOCK) -o locks/dev.txt
	uv pip compile pyproject.toml --extra demo --extra dashboards --extra certificates -q $(LOCK) -o locks/runtime.txt
	uv pip compile pyproject.toml --extra edge -q $(LOCK) -o locks/edge.txt

LOCK = --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --annotation-style line

clean:
	rm -rf $(VENV) build dist artefacts .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
