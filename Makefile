# Two commands do everything on a machine with Python 3.11 to 3.13 and make:
#   make demo   builds, runs, analyses and explains ordered and disordered argyrodite, and writes a report
#   make test   runs the tests
# Both make a virtual environment in .venv and install what they need there; both can be repeated.

# TensorFlow has no wheels for 3.14 yet, so that a newer Python is taken only where there is no other.
PYTHON ?= $(shell for below in 14 99; do for p in python3 python3.13 python3.12 python3.11 python; do \
	  $$p -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, $$below))" 2>/dev/null && echo $$p && exit; done; done)
VENV ?= .venv
BIN := $(VENV)/bin
QUIET_TF := TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0
DEMO ?=
TESTS ?=
BENCHMARKS ?=
# Two files of tests at a time on two cores; JOBS=0 runs them one after the other.
JOBS ?= auto
PYTEST = $(QUIET_TF) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-slow test-data lint benchmarks docs clean

help:
	@sed -n '1,4s/^# \{0,1\}//p' Makefile
	@echo 'more: make test-slow | test-data | lint | benchmarks | docs | clean'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 to 3.13 is needed: set PYTHON=/path/to/python3'; exit 1; }
	@echo '== virtual environment in $(VENV) with' "$$($(PYTHON) --version)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready-all: pyproject.toml | $(BIN)/python
	@echo '== ionpath with its four hosts (some hundred MB at the first time, no CUDA)'
	$(BIN)/python -m pip install --disable-pip-version-check -q --progress-bar on -e '.[all]'
	@echo '== PLUMED kernel and Python collective variables'
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps hillclimber
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready-all
	@echo '== test tools'
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[dev]'
	@touch $@

demo: $(VENV)/.ready-all
	$(QUIET_TF) $(BIN)/ionpath demo $(DEMO)

test: $(VENV)/.ready-dev lint
	$(PYTEST) $(TESTS)

test-slow: $(VENV)/.ready-dev
	$(PYTEST) -m 'slow' $(TESTS)

# Published trajectories that tests compare with, checked byte by byte; without them those tests are skipped.
test-data: | $(BIN)/python
	$(BIN)/python tests/reference_data.py

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

benchmarks: $(VENV)/.ready-dev
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[benchmarks]'
	$(BIN)/python benchmarks/analyses.py $(BENCHMARKS)
	@for b in $(filter-out benchmarks/analyses.py,$(wildcard benchmarks/*.py)); do echo "== $$b"; $(QUIET_TF) $(BIN)/python $$b --quick || exit 1; done

docs: $(VENV)/.ready-all
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[docs]'
	$(QUIET_TF) $(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	@echo 'build/docs/index.html'

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache demo-run
