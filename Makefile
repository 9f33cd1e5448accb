# Velgate's commands. `make` alone lists them; each does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A registry that answers slowly is waited for; one that is down fails with pip's own words.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --retries 10 --timeout 60

# What Debian 12 and Raspberry Pi OS call the programs that Velgate starts, and the test programs.
RUN_PACKAGES := python3-venv dbus mosquitto mosquitto-clients
TEST_PACKAGES := gcc libc6-dev influxdb victoria-metrics chromium fonts-dejavu-core libfaketime systemd

export PIP_NO_INPUT := 1
export PYTHONHASHSEED := 0

.PHONY: help setup setup-test demo test check unit bench kills sim mutants docs lock clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# $(call need,packages): install those that are missing; when not root, name them and stop.
define need
	missing=(); \
	for package in $(1); do dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing+=($$package); done; \
	if [ $${#missing[@]} -gt 0 ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing system packages: $${missing[*]}"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	  else \
	    echo "These system packages are missing: $${missing[*]}" >&2; \
	    echo "Install them:  sudo apt-get install --no-install-recommends $${missing[*]}" >&2; exit 1; \
	  fi; \
	fi
endef

# $(call install,lock file): exact versions, each checked against its hash.
define install
	stamp="$(VENV)/.$(notdir $(1)).$$(cat $(1) pyproject.toml | sha256sum | cut -c1-16)"; \
	if [ ! -e "$$stamp" ]; then \
	  echo "Installing Python packages from $(1)"; \
	  $(PIP) install --require-hashes -r $(1); \
	  $(PIP) install --no-deps --no-build-isolation --editable .; \
	  rm -f $(VENV)/.$(notdir $(1)).*; touch "$$stamp"; \
	fi
endef

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Velgate needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

system-run:
	@$(call need,$(RUN_PACKAGES))

system-test: system-run
	@$(call need,$(TEST_PACKAGES))

setup: system-run ## everything that is needed to run: system packages, .venv/bin/velgate
	@$(MAKE) --silent --no-print-directory $(BIN)/python
	@$(call install,requirements.lock)

setup-test: system-test ## what the tests need beside that
	@$(MAKE) --silent --no-print-directory $(BIN)/python
	@$(call install,requirements-dev.lock)

demo: setup ## a small care home on simulated devices; Ctrl-C ends it
	@exec $(BIN)/velgate demo

test: check unit ## everything that must hold before a change is taken

unit: setup-test # three workers on two cores: much of what they do is waiting
	@$(BIN)/python -m pytest -n 3 --dist loadfile --cov --cov-branch --cov-report=term:skip-covered $(PYTEST)

check: setup-test ## format, lint, types, import rules, generated files
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m docs.generate --check

sim: setup-test ## the gateway in seeded worlds on virtual time: SEEDS=200 FROM=1, or SEED=8121 alone
	@cd tests && ../$(BIN)/python -m sim $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200) --from $(or $(FROM),1))

bench: setup-test ## every figure that the project claims; writes build/bench.json
	@$(BIN)/python tests/bench/run.py

ROUNDS ?= 200
WITHIN ?= 2
kills: setup-test ## kill -9 under load, again and again: make kills ROUNDS=200 [SEED=n] [WITHIN=seconds]
	@$(BIN)/python tests/kills/run.py --rounds $(ROUNDS) --within $(WITHIN) $(if $(SEED),--seed $(SEED))

mutants: setup-test ## small faults put into alerts and journal: does a test notice each? ONLY=file, FRESH=1, LIVING=1
	@$(BIN)/python tests/mutants/run.py $(if $(FRESH),--fresh) $(if $(LIVING),--living) $(ONLY)

docs: setup-test ## write the generated parts of the documentation anew
	@$(BIN)/python -m docs.generate

lock: setup-test ## resolve the dependencies anew within the bounds of pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --extra demo --group build pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --extra demo --group build --group dev pyproject.toml -o requirements-dev.lock

clean: ## remove what was built, the virtual environment too
	@rm -rf $(VENV) build dist .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
