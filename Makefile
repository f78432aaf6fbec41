PYTHON ?= python3
BIN := .venv/bin
PROTOS := $(sort $(wildcard protos/flashsale/v1/*.proto))
GENERATED := client_sdk/flashsale/v1
# Those of Kubernetes itself; a PodMonitor is the Prometheus operator's, and a kustomization is no manifest.
MANIFESTS := $(filter-out %/kustomization.yaml %/pod-monitor.example.yaml,$(wildcard deploy/kubernetes/*.yaml))

.DEFAULT_GOAL := help
.PHONY: help serve test coverage bench bench-quick check proto constraints format screenshots clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

serve: .venv/installed ## Run the service with its embedded ledger
	$(BIN)/flash-sale serve

test: .venv/installed ## Run all tests
	$(BIN)/pytest --numprocesses auto --maxprocesses 4

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
	$(BIN)/yamllint --strict .yamllint.yaml deploy protos
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml
	$(BIN)/kubernetes-validate --strict --quiet $(MANIFESTS)
	$(BIN)/shellcheck .ci/run

proto: .venv/installed ## Generate the code of the contract
	$(BIN)/python protos/contract.py generate

constraints: .venv/installed ## Write down anew which versions of its dependencies the image has
	rm -rf build/image && $(PYTHON) -m venv --without-pip build/image
	$(BIN)/python -m pip --python build/image/bin/python install --quiet --disable-pip-version-check '.[server,traces]'
	(echo '# What the image has, version by version; `make constraints` writes it anew.'; \
	  $(BIN)/python -m pip --python build/image/bin/python freeze --exclude flash-sale) > deploy/constraints.txt

format: .venv/installed ## Format the code and the contract
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/buf format -w protos

screenshots: .venv/installed ## Take the pictures in docs anew
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python docs/picture_of_watch.py

clean: ## Remove the environment and what the tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage dist

.venv/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
