# Everything on a fresh machine: `make run` and `make test` each set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
OUTPUT ?= out
EVERY ?= 60
FOR ?= 600
FEEDPARSER := 6.0.12
SOAK_KILLS ?= 100
# Test files at a time: much of their time goes on waiting for processes.
TEST_WORKERS ?= 3

.PHONY: help setup run prism stream test lint format bench soak clean

help:
	@echo "make run     set up, read seeds/, print the alignment table (OUTPUT=out)"
	@echo "make stream  publish seeds/ article by article on a local server and stream them (Prism: needs Go)"
	@echo "make test    set up, lint, type-check, test"
	@echo "make lint    ruff and mypy"
	@echo "make format  ruff format"
	@echo "make bench   benchmarks; writes benchmarks/RESULTS.md"
	@echo "make soak    fuzz feeds, URLs, dates and pages (SOAK_SECONDS=600 each, all at once);"
	@echo "             then kill runs, schedules, streams, rebuilds and compactions (SOAK_KILLS=100),"
	@echo "             compare schedule, stream and batch, go through outages (SOAK_NETWORK_S=600),"
	@echo "             and stream for an hour (SOAK_STREAM_SECONDS=3600)"
	@echo "make clean   remove the environment, caches and the output"

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "newsalign needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP)
	$(BIN)/newsalign run seeds --output $(OUTPUT) --show-alignments

# Prism, the local runner that streams, is a Go program.
PRISM := github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0
prism:
	@command -v prism >/dev/null || test -x "$$(go env GOPATH)/bin/prism" || go install $(PRISM)

stream: $(STAMP) prism
	@rm -f build/live.urls; mkdir -p build; \
		$(BIN)/python -m benchmarks.live_server seeds/feeds --every $(EVERY) >build/live.urls & \
		server=$$!; trap 'kill $$server' EXIT; \
		until [ -s build/live.urls ]; do sleep 0.2; done; sleep 0.2; \
		$(BIN)/newsalign stream $$(sed 's/^/--feed /' build/live.urls) --output $(OUTPUT)/stream \
			--poll 10 --for $(FOR) --log-format text --set network.allow_private=true; \
		$(BIN)/newsalign alignments --output $(OUTPUT)/stream

test: lint
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# The lock leaves out what only fuzzing needs. feedparser's own documents come with its sources.
soak: $(STAMP) prism
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[soak]'
	@test -d build/feedparser-$(FEEDPARSER) || { mkdir -p build && cd build \
		&& ../$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
			--no-binary feedparser feedparser==$(FEEDPARSER) \
		&& tar -xzf feedparser-$(FEEDPARSER).tar.gz; }
	FEEDPARSER_SOURCE=build/feedparser-$(FEEDPARSER) \
		$(BIN)/python -m pytest -q tests/transforms/test_feed_corpus.py
	$(BIN)/python tests/soak
	$(BIN)/python tests/soak/kills.py --kills $(SOAK_KILLS)
	$(BIN)/python tests/soak/schedule_runs.py
	$(BIN)/python tests/soak/outages.py
	$(BIN)/python tests/soak/stream_hour.py

clean:
	rm -rf $(VENV) $(OUTPUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
