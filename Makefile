# Two commands matter: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_OUT ?= an1496-out

.PHONY: help demo demo-live test lint bench fuzz zeek-record clean

help:
	@echo 'make demo   replay the bundled capture with its Sysmon log'
	@echo 'make demo-live   the same as it comes live: two workers, one of them killed; about 20 s'
	@echo 'make test   run every test'
	@echo 'make lint   format, lint, types, import walls'
	@echo 'make bench  measure side by side with peers'
	@echo 'make fuzz   fuzz every entry point, FUZZ_SECONDS (30) each'
	@echo 'make zeek-record   record what Zeek says of the captures, for tests without a Zeek'
	@echo 'make clean  remove what these made'

# Debian ships python3 without venv; root gets it installed, others are told the line to type.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'an1496 needs Python 3.11 or later' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; } \
	  || { echo 'python3-venv is missing: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: pyproject.toml $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

$(VENV)/.fuzz: pyproject.toml $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/an1496 replay pcaps/demo/capture.pcap --endpoint pcaps/demo --ca-bundle pcaps/ca.pem --out $(DEMO_OUT)

demo-live: $(VENV)/.demo
	$(BIN)/python tests/live_demo/run.py

test: $(VENV)/.test
	$(BIN)/pytest

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/endpoint.py
	$(BIN)/python benchmarks/join.py
	$(BIN)/python benchmarks/sensor.py

fuzz: $(VENV)/.fuzz
	$(BIN)/python tests/fuzz/run.py

zeek-record: $(VENV)/.test
	$(BIN)/python tests/parity/record.py

clean:
	rm -rf $(VENV) $(DEMO_OUT) build *.egg-info
