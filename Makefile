PYTHON ?= python3
BIN := .venv/bin
PROTOS := $(sort $(wildcard protos/flashsale/v1/*.proto))
GENERATED := client_sdk/flashsale/v1

.DEFAULT_GOAL := help
.PHONY: help serve test coverage bench bench-quick check proto format clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

serve: .venv/installed ## Run the service with its embedded ledger
	$(BIN)/flash-sale serve

test: .venv/installed ## Run all tests
	$(BIN)/pytest

coverage: .venv/installed ## Run all tests and show what they do not reach
	$(BIN)/pytest --cov --cov-report=term-missing:skip-covered

bench: .venv/installed ## Measure everything beside its peers, in under half an hour (ARGS="--only 1")
	$(BIN)/python -m bench $(ARGS)

bench-quick: .venv/installed ## The same, shorter and rougher, in under two minutes
	$(BIN)/python -m bench --quick $(ARGS)

check: .venv/installed ## Check format, types, walls, the contract and the generated code
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python protos/contract.py check

proto: .venv/installed ## Generate the code of the contract
	$(BIN)/python protos/contract.py generate

format: .venv/installed ## Format the code and the contract
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/buf format -w protos

clean: ## Remove the environment and what the tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage dist

.venv/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
