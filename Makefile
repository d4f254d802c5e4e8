# `make demo` and `make test` install what is missing (scripts/setup.sh), do their work and leave nothing running.

CARGO ?= cargo
DEMO_FLAGS ?=
# Where TPC-H's schema.sql, keys.sql and queries/ are; docs/parity.md lists what else a parity run can be told.
TPCH_DIR ?= ../shared/bench/tpch
PARITY_VERSIONS ?= 14 15 16 17 18
# Rates are those of the release profile; without it a run begins sooner.
PARITY_PROFILE ?= --release

.PHONY: help setup build demo test bench parity parity-twin lint fmt clean
.DEFAULT_GOAL := help

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building and testing need: a C compiler, libclang, PostgreSQL, HypoPG
	@scripts/setup.sh

build: setup ## build the release binary, target/release/pgwise
	$(CARGO) build --release --locked

demo: setup ## the whole loop on a throwaway PostgreSQL; DEMO_FLAGS="-o demo.json" keeps the figures
	$(CARGO) run --release --locked -- demo $(DEMO_FLAGS)

test: setup ## every test, those against a real PostgreSQL included
	$(CARGO) test --locked

bench: setup ## costings per second by the planner model, and a full analysis of 2,000 tables
	$(CARGO) bench --locked --bench planner --bench scale

parity: setup ## the planner model against PostgreSQL's planner, versions 14 to 18; writes target/parity.json
	TPCH_DIR="$(abspath $(TPCH_DIR))" PARITY_VERSIONS="$(PARITY_VERSIONS)" \
		$(CARGO) test $(PARITY_PROFILE) --locked --test parity -- --ignored --exact source --nocapture

parity-twin: setup ## the twin against PostgreSQL's planner, versions 14 to 18; writes target/parity-twin.json
	TPCH_DIR="$(abspath $(TPCH_DIR))" PARITY_VERSIONS="$(PARITY_VERSIONS)" \
		$(CARGO) test $(PARITY_PROFILE) --locked --test parity -- --ignored --exact twin --nocapture

lint: setup ## formatting and lints, as .ci/run checks them
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

fmt: ## format the code
	$(CARGO) fmt

clean: ## remove what building left
	$(CARGO) clean
