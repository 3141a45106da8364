# Everything runs from here: `make demo` and `make test` need Python 3.11+, make and a package index, nothing else.

ifeq ($(OS),Windows_NT)
  PYTHON ?= python
  BIN := .venv/Scripts
else
  PYTHON ?= python3
  BIN := .venv/bin
endif
READY := .venv/ready

.PHONY: demo test test-all check fresh bench help

help:
	@echo "make demo      train the sample job and say where the results are"
	@echo "make test      run the tests"
	@echo "make test-all  run the slow ones too"
	@echo "make check     what every commit must pass: ruff, mypy, tests, generated files"
	@echo "make fresh     write the generated files anew: samples, templates, README blocks"
	@echo "make bench     measure against named rivals"

$(READY): pyproject.toml constraints.txt
	@echo "Setting up .venv with everything xltrain needs; this takes a few minutes the first time."
	@$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else 'xltrain needs Python 3.11 or later, this is ' + sys.version.split()[0] + '; run: make PYTHON=python3.11')"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@$(BIN)/python -c "open('$(READY)', 'w').close()"

demo: $(READY)
	@echo "Training the six runs of samples/job.xlsx on twelve monthly workbooks; about a minute."
	@$(BIN)/python -m samples.demo

test: $(READY)
	@echo "Running the tests."
	@$(BIN)/python -m pytest

test-all: $(READY)
	@$(BIN)/python -m pytest -m "slow or not slow"

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.refresh --check
	@$(BIN)/python -m pytest

fresh: $(READY)
	@$(BIN)/python -m samples.make
	@$(BIN)/python -m tests.refresh

bench: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev,bench]"
	@$(BIN)/python -m tests.bench
