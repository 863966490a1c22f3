# Two commands need nothing but Python 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
READY := $(VENV)/.ready
RUNS := $(VENV)/.runs
MODELS := $(VENV)/.models

.PHONY: demo test test-slow check format benchmarks clean

demo: $(RUNS) $(MODELS)
	@$(BIN)/python examples/demo.py

test: $(READY) $(MODELS)
	$(BIN)/python -m pytest -n auto -m "not slow" --timeout 120

test-slow: $(READY) $(MODELS)
	$(BIN)/python -m pytest -n auto -m slow --durations 12

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate -q void_audit

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(READY) $(MODELS)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache demo-out

# What the commands need; tests and checks need the rest, which includes torch.
$(RUNS): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("void-audit needs Python 3.11 or 3.12: make PYTHON=python3.11") if not (3, 11) <= sys.version_info < (3, 13) else None'
	@echo 'Setting up $(VENV) (about a minute)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(READY): $(RUNS)
	@echo 'Adding the tools for tests, and the VOID engine'
	@$(PIP) install --constraint constraints.txt --editable ".[dev]" setuptools
	@SAM2_BUILD_CUDA=0 $(PIP) install --constraint constraints.txt --no-deps --no-build-isolation sam2
	@touch $@

# The one model file that the embedded engines use: 4.6 MB, checked against its registered digest.
$(MODELS): $(RUNS) void_audit/weights/registry.toml
	@$(BIN)/void-audit models fetch
	@touch $@
