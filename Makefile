# Everything a developer does. `make help` lists it.

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
PYTEST := $(BIN)/python -m pytest
SPREAD := -n 2 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-live soak soak-live bench check format lock binary clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/run.stamp ## makes .venv with the locked dependencies; PYTHON=python3.13 takes that one

demo: setup ## shows the whole service on a simulated chain; SECONDS=20 ends by itself
	@$(BIN)/crypitor demo $(if $(SECONDS),--seconds $(SECONDS))

run: setup ## runs the service with config.toml
	@$(BIN)/crypitor run

test: $(VENV)/dev.stamp ## the tests that need nothing else on the machine; ARGS="-k name" selects
	$(PYTEST) $(SPREAD) -m "not live and not soak" $(ARGS)

test-live: $(VENV)/dev.stamp build/kafka/stamp dist/crypitor/crypitor ## the tests beside real neighbours (PostgreSQL, Kafka, anvil, Chromium)
	$(BIN)/python tests/live/postgres.py $(PYTEST) $(SPREAD) -m "live and not soak" $(ARGS)

soak: $(VENV)/dev.stamp ## the long tests: crashes, chaos, and chance ten times as often
	$(PYTEST) -m "soak and not live" --timeout 3600 $(ARGS)
	CRYPITOR_TEST_TIMES=10 $(PYTEST) -m "hypothesis and not live" --timeout 3600 $(ARGS) || [ $$? = 5 ]  # none selected

soak-live: $(VENV)/dev.stamp build/kafka/stamp ## the long tests beside real neighbours
	$(BIN)/python tests/live/postgres.py $(PYTEST) -m "soak and live" --timeout 3600 $(ARGS)

bench: $(VENV)/dev.stamp ## what it costs; ARGS="--quick", ARGS="stages --against HEAD~1", ARGS=--help
	@$(BIN)/crypitor bench $(ARGS)

check: $(VENV)/dev.stamp ## style, types, who imports whom, config.toml
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -c 'from pathlib import Path; from crypitor.config import load; load(Path("config.toml"), {})'

format: $(VENV)/dev.stamp ## puts the source into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: build/uv/bin/uv ## renews requirements/*.txt from pyproject.toml
	$(UV_COMPILE) --group build -o requirements/run.txt pyproject.toml
	$(UV_COMPILE) --group dev -c requirements/run.txt -o requirements/dev.txt pyproject.toml

binary: dist/crypitor/crypitor ## a program in dist/crypitor that needs no Python where it runs

clean: ## removes what was made, but not data/
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

UV_COMPILE = build/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

build/uv/bin/uv: | $(VENV)/bin/python
	$(BIN)/python -m venv build/uv
	build/uv/bin/python -m pip --disable-pip-version-check -q install 'uv>=0.13,<0.14'

# The broker of the live tests: pinned in its pom.xml, run with the Java of this machine.
build/kafka/stamp: tests/live/kafka/pom.xml
	@command -v java mvn >/dev/null || { echo "the live tests need Java 17 and Maven (Debian: openjdk-17-jre-headless maven)"; exit 1; }
	rm -rf build/kafka
	mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/build/kafka
	@touch $@

PROGRAM := $(shell find crypitor migrations -name '*.py' -o -path '*/templates/*' -o -path '*/static/*')

dist/crypitor/crypitor: build/binary/stamp $(PROGRAM)
	build/binary/bin/pyinstaller --noconfirm --log-level ERROR --name crypitor \
		--distpath dist --workpath build/binary/work --specpath build/binary \
		--collect-submodules crypitor --collect-data crypitor \
		--add-data $(CURDIR)/migrations:crypitor/_migrations \
		--add-data $(CURDIR)/docs/runbook.md:crypitor/_docs \
		--add-data $(CURDIR)/docs/what-can-stop-it.md:crypitor/_docs \
		--collect-data swagger_ui --collect-submodules alembic --collect-submodules databases \
		--copy-metadata crypitor --copy-metadata web3 --copy-metadata eth-typing \
		crypitor/__main__.py

# Not among the locked dependencies: it is in no product but this one, and is there only to make it.
build/binary/stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	rm -rf build/binary
	$(BIN)/python -m venv build/binary
	build/binary/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements/run.txt
	build/binary/bin/python -m pip --disable-pip-version-check -q install 'pyinstaller>=6.16,<7'
	build/binary/bin/python -m pip --disable-pip-version-check -q install --no-deps --no-build-isolation -e .
	@touch $@

# The first Python on this machine that is new enough, or the one that PYTHON names.
$(VENV)/bin/python:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "making $(VENV) with $$($$python --version)"; exec $$python -m venv $(VENV); \
		fi; \
	done; echo "Crypitor needs Python 3.11 or newer; $(or $(PYTHON),this machine) has: $$($(or $(PYTHON),python3) --version 2>&1)"; exit 1

# A stamp says that what its file locks is installed; nothing is done again until that changes.
$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q crypitor migrations  # which pip does for all but an editable install
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
