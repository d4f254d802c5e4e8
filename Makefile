# `make demo` and `make test` install what is missing (scripts/setup.sh), do their work and leave nothing running.

CARGO ?= cargo
DEMO_FLAGS ?=
# Where TPC-H's schema.sql, keys.sql and queries/ are; docs/parity.md lists what else a parity run can be told.
TPCH_DIR ?= ../shared/bench/tpch
PARITY_VERSIONS ?= 14 15 16 17 18
# Rates are those of the release profile; without it a run begins sooner.
PARITY_PROFILE ?= --release

# CONTRIBUTING.md says what else a measurement of the effect can be told.
EFFECT_SAMPLES ?= shop saas
EFFECT_PROFILE ?= --release

.PHONY: help setup build demo test test-docker parity parity-twin parity-sizes bench bench-effect lint fmt clean
.DEFAULT_GOAL := help

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building and testing need: a C compiler, libclang, PostgreSQL, HypoPG
	@scripts/setup.sh

build: setup ## build the release binary, target/release/pgwise
	$(CARGO) build --release --locked

demo: setup ## the whole loop on a throwaway PostgreSQL; DEMO_FLAGS="-o demo.json" keeps the figures
	$(CARGO) run --release --locked -- demo $(DEMO_FLAGS)

test: setup ## every test, those against a real PostgreSQL included
	$(CARGO) test --locked

test-docker: setup ## the twin in a container: needs a Docker engine, and scripts/test-image.sh's image or PGWISE_TWIN_IMAGE
	$(CARGO) test --locked --test it -- --ignored --exact twin_docker::a_container_carries_a_twin_and_is_gone_afterwards

bench: setup ## costings per second by the planner model, and a full analysis of 2,000 tables
	$(CARGO) bench --locked --bench planner --bench scale

parity: setup ## the planner model against PostgreSQL's planner, versions 14 to 18; writes target/parity.json
	TPCH_DIR="$(abspath $(TPCH_DIR))" PARITY_VERSIONS="$(PARITY_VERSIONS)" \
		$(CARGO) test $(PARITY_PROFILE) --locked --test parity -- --ignored --exact source --nocapture

parity-twin: setup ## the twin against PostgreSQL's planner, versions 14 to 18; writes target/parity-twin.json
	TPCH_DIR="$(abspath $(TPCH_DIR))" PARITY_VERSIONS="$(PARITY_VERSIONS)" \
		$(CARGO) test $(PARITY_PROFILE) --locked --test parity -- --ignored --exact twin --nocapture

parity-sizes: setup ## estimated sizes of indexes against really built ones
	TPCH_DIR="$(abspath $(TPCH_DIR))" PARITY_VERSIONS="$(PARITY_VERSIONS)" \
		$(CARGO) test $(PARITY_PROFILE) --locked --test parity -- --ignored --exact sizes --nocapture

bench-effect: setup ## the samples' time, blocks and bytes before, as advised, and by an expert; writes target/effect.json
	EFFECT_SAMPLES="$(EFFECT_SAMPLES)" \
		$(CARGO) test $(EFFECT_PROFILE) --locked --test effect -- --ignored --exact effect --nocapture

lint: setup ## formatting and lints, as .ci/run checks them
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

fmt: ## format the code
	$(CARGO) fmt

clean: ## remove what building left
	$(CARGO) clean
