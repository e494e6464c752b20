# Two commands matter: `make quickstart` and `make test`. Both make .venv on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := OMP_NUM_THREADS=$${OMP_NUM_THREADS:-2} HF_HUB_OFFLINE=$${HF_HUB_OFFLINE:-1}
# The suite runs in so many processes, each on one thread.
WORKERS ?= 2
ALONE := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=$${HF_HUB_OFFLINE:-1}

.PHONY: quickstart test test-slow test-interop check format lint types imports

quickstart: $(VENV)/.installed
	$(BIN)/zsrobust quickstart

test: $(VENV)/.installed-test
	$(ALONE) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term --cov-fail-under=90

test-slow: $(VENV)/.installed-test
	$(RUN) $(BIN)/python -m pytest -m slow

test-interop: $(VENV)/.installed-interop
	$(RUN) $(BIN)/python -m pytest tests/interop
	$(RUN) $(BIN)/python -m pytest tests/models tests/training -k "lora or tensorboard"

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(MAKE) --no-print-directory lint types imports test

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

imports: $(VENV)/.installed-test
	$(BIN)/lint-imports

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "zsrobust needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=python3.x."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# A stamp that depends on pyproject.toml: a second run reinstalls nothing.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-interop: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,interop,lora,track]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test
