# Everything a developer does. `make help` lists it.

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := -m pip --disable-pip-version-check --no-input
SHOWN  := $(BIN)/python deploy/progress.py
PYTEST := $(BIN)/python -m pytest
# The tests wait more than they compute.
SPREAD := -n 3 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-live soak soak-live bench check format lock audit docs wheel binary client clean ALWAYS

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/run.stamp ## makes .venv with the locked dependencies; PYTHON=python3.13 takes that one

demo: setup ## shows the whole service on a simulated chain; SECONDS=20 ends by itself
	@$(BIN)/crypitor demo $(if $(SECONDS),--seconds $(SECONDS))

run: setup ## runs the service with config.toml
	@$(BIN)/crypitor run

test: $(VENV)/dev.stamp ## the tests that need nothing else on the machine; ARGS="-k name" selects
	$(PYTEST) $(SPREAD) -m "not live and not soak" $(ARGS)

test-live: $(VENV)/dev.stamp build/kafka/stamp build/clients/stamp build/nodes/stamp build/matrix/stamp dist/SHA256SUMS ## the tests beside real neighbours (PostgreSQL, Kafka, development nodes, Synapse, Chromium, generators of clients)
	$(BIN)/python -m tests.live.postgres $(PYTEST) $(SPREAD) -m "live and not soak" $(ARGS)

soak: $(VENV)/dev.stamp ## the long tests: crashes, chaos, and chance ten times as often
	$(PYTEST) -m "soak and not live" --timeout 3600 $(ARGS)
	CRYPITOR_TEST_TIMES=10 $(PYTEST) -m "hypothesis and not live" --timeout 3600 $(ARGS) || [ $$? = 5 ]  # none selected

soak-live: $(VENV)/dev.stamp build/kafka/stamp ## the long tests beside real neighbours
	$(BIN)/python -m tests.live.postgres $(PYTEST) -m "soak and live" --timeout 3600 $(ARGS)

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
	$(UV_COMPILE) --extra otel -c requirements/run.txt -o requirements/otel.txt pyproject.toml
	$(UV_COMPILE) --extra apprise -c requirements/run.txt -o requirements/apprise.txt pyproject.toml
	$(UV_COMPILE) --group docs -c requirements/run.txt -o requirements/docs.txt
	$(UV_COMPILE) --group binary -c requirements/run.txt -o requirements/binary.txt
	$(UV_COMPILE) --group audit -o requirements/audit.txt
	$(UV_COMPILE) --group dev -c requirements/run.txt -o requirements/dev.txt pyproject.toml

audit: build/audit/stamp $(VENV)/run.stamp ## known holes in what is locked, the source, licences; needs an index that knows of holes
	build/audit/bin/bandit -q -r crypitor migrations deploy -c pyproject.toml --severity-level medium --confidence-level medium
	build/audit/bin/pip-licenses --python=$(BIN)/python --partial-match --allow-only="$$(paste -sd ';' requirements/licences.txt)"
	build/audit/bin/pip-audit --strict --require-hashes --disable-pip --no-deps -r requirements/run.txt || \
		{ echo "holes are known, or no index was reached that knows of them"; exit 1; }

docs: build/site/index.html ## the documentation as a site, in build/site; the service has it under /help

wheel: $(WHEEL) ## a package in dist/ for pip

binary: dist/SHA256SUMS ## programs in dist/ that need no Python where they run: one file, and a folder

client: $(VENV)/dev.stamp ## the types and calls of crypitor.client, from the API's own document
	$(BIN)/python deploy/client/generate.py

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

# The generators of clients: pinned where the programs of the live tests are that use the clients.
CLIENTS := tests/live/clients
build/clients/stamp: $(CLIENTS)/pom.xml $(wildcard $(CLIENTS)/typescript/package*.json $(CLIENTS)/go/go.*) $(CLIENTS)/python/requirements.txt | $(VENV)/bin/python
	@command -v go npm java mvn >/dev/null || { echo "the live tests need Go 1.21, Node.js with npm, Java 17 and Maven"; exit 1; }
	rm -rf build/clients
	mkdir -p build/clients/typescript
	cp $(CLIENTS)/typescript/package*.json build/clients/typescript
	npm ci --silent --no-audit --no-fund --ignore-scripts --prefix build/clients/typescript
	$(BIN)/python -m venv build/clients/python
	build/clients/python/bin/python -m pip --disable-pip-version-check -q install -r $(CLIENTS)/python/requirements.txt
	mvn -q -B -f $(CLIENTS)/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/build/clients
	cd $(CLIENTS)/go && go mod download
	@touch $@

# A server of Matrix, for the messages that its rooms get.
build/matrix/stamp: tests/live/matrix/requirements.txt | $(VENV)/bin/python
	rm -rf build/matrix
	$(BIN)/python -m venv build/matrix
	build/matrix/bin/python -m pip --disable-pip-version-check -q install -r $<
	@touch $@

# The development nodes: npm packages, each in a folder of its own with what it needs, and geth.
NODES := tests/live/nodes
build/nodes/stamp: $(wildcard $(NODES)/*/*.js*) build/nodes/geth/geth
	@command -v npm >/dev/null || { echo "the live tests need Node.js with npm"; exit 1; }
	for node in $(patsubst $(NODES)/%/package.json,%,$(wildcard $(NODES)/*/package.json)); do \
		rm -rf build/nodes/$$node && cp -r $(NODES)/$$node build/nodes && \
		npm ci --silent --no-audit --no-fund --ignore-scripts --prefix build/nodes/$$node || exit 1; \
	done
	@touch $@

# Built of its modules, pinned in its go.mod, without a C compiler: some four minutes of a processor the
# first time, and few seconds where Go has kept what it compiled.
build/nodes/geth/geth: $(wildcard $(NODES)/geth/go.*)
	@command -v go >/dev/null || { echo "the live tests need Go 1.21 or newer (Debian: golang-go)"; exit 1; }
	@mkdir -p $(@D)
	cd $(NODES)/geth && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o $(CURDIR)/$@ github.com/ethereum/go-ethereum/cmd/geth
	@touch $@

VERSION  := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
WHEEL    := dist/crypitor-$(VERSION)-py3-none-any.whl
ONE_FILE := dist/crypitor-$(VERSION)-linux-$(shell uname -m)
PROGRAM  := $(shell find crypitor migrations -name '*.py' -o -name '*.html' -o -path '*/static/*')
PACKING  := build/binary
# The Python that is packed: PYTHON, else that of .venv.
PACKED   := $(or $(PYTHON),$(BIN)/python)
# The same source gives the same bytes: no time, no order by chance, nothing kept from elsewhere.
REPEATABLE := SOURCE_DATE_EPOCH=315532800 PYTHONHASHSEED=0 PYINSTALLER_CONFIG_DIR=$(CURDIR)/$(PACKING)/cache

# Not among the locked dependencies of the program either: what makes the site is not in it.
build/docs/stamp: requirements/docs.txt | $(VENV)/bin/python
	@rm -rf build/docs
	@$(BIN)/python -m venv build/docs
	@$(SHOWN) "packages into build/docs" build/docs/bin/python $(PIP) install --require-hashes -r requirements/docs.txt
	@touch $@

build/site/index.html: build/docs/stamp mkdocs.yml deploy/help/hooks.py config.toml $(shell find docs examples -type f)
	@NO_MKDOCS_2_WARNING=1 $(REPEATABLE) $(SHOWN) build/site build/docs/bin/mkdocs build --quiet --strict

# Renewed only when it changes; the wheel carries it.
build/commit: ALWAYS | $(VENV)/run.stamp
	@mkdir -p build
	@$(BIN)/python -c 'from crypitor.runtime.version import commit; print(commit())' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(WHEEL): build/commit build/site/index.html $(PROGRAM) pyproject.toml config.toml docs/runbook.md docs/what-can-stop-it.md deploy/crypitor.service deploy/hatch_build.py
	@CRYPITOR_COMMIT=$$(cat build/commit) $(REPEATABLE) $(SHOWN) $@ \
		$(BIN)/python $(PIP) wheel --no-deps --no-build-isolation -w dist .

dist/crypitor/crypitor: $(PACKING)/stamp $(WHEEL) deploy/binary/start.py deploy/binary/crypitor.spec
	@$(SHOWN) "the wheel into $(PACKING)" $(PACKING)/bin/python $(PIP) install \
		--no-deps --no-compile --force-reinstall $(WHEEL)
	@$(REPEATABLE) $(SHOWN) $(@D) $(PACKING)/bin/pyinstaller --noconfirm --clean \
		--distpath dist --workpath $(PACKING)/work deploy/binary/crypitor.spec

$(ONE_FILE): dist/crypitor/crypitor deploy/binary/onefile.py $(wildcard deploy/binary/launcher/*)
	@command -v go >/dev/null || { echo "the launcher of the one file needs Go 1.19 or newer (Debian: golang-go)"; exit 1; }
	@$(SHOWN) $@ $(BIN)/python deploy/binary/onefile.py dist/crypitor $@ $(PACKING)/launcher

$(ONE_FILE).cdx.json: dist/crypitor/crypitor deploy/binary/sbom.py
	@$(SHOWN) $@ $(PACKING)/bin/python deploy/binary/sbom.py $(PACKING)/work/crypitor/sources.json $(VERSION) $@

dist/SHA256SUMS: $(WHEEL) $(ONE_FILE) $(ONE_FILE).cdx.json
	@cd dist && sha256sum $(^F) > SHA256SUMS && cat SHA256SUMS

# Renewed only when it is another one.
build/packed: ALWAYS | $(VENV)/bin/python
	@mkdir -p build
	@$(PACKED) -c 'import sys; print(sys.version, sys.base_prefix)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# Not among the locked dependencies: they are in no product, and are there only to make this one.
$(PACKING)/stamp: requirements/run.txt requirements/binary.txt build/packed
	@rm -rf $(PACKING)
	@$(PACKED) -m venv $(PACKING)
	@$(SHOWN) "packages into $(PACKING)" $(PACKING)/bin/python $(PIP) install --require-hashes \
		-r requirements/run.txt -r requirements/binary.txt
	@touch $@

# Among no other packages: what looks at them is not what is looked at.
build/audit/stamp: requirements/audit.txt | $(VENV)/bin/python
	@rm -rf build/audit
	@$(BIN)/python -m venv build/audit
	@$(SHOWN) "packages into build/audit" build/audit/bin/python $(PIP) install --require-hashes -r requirements/audit.txt
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
	@$(SHOWN) "packages into $(VENV)" $(BIN)/python $(PIP) install --require-hashes -r requirements/run.txt
	@$(SHOWN) "crypitor into $(VENV)" $(BIN)/python $(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q crypitor migrations  # which pip does for all but an editable install
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@$(SHOWN) "more packages, for tests, into $(VENV)" $(BIN)/python $(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
