# Thin names for the README's commands. A fresh machine needs git, make and Python 3.11+ with pip; all else comes here.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
UV := UV_PROJECT_ENVIRONMENT=$(VENV) $(RUN)/uv
SPREAD ?= -n auto --maxprocesses 4 --dist worksteal # tests side by side: many of them wait for programs they started

.PHONY: demo test check gpu-check clean

demo: $(VENV)/.run          ## adapt the embedded model on the embedded clip; show it, or save it where there is no display
	$(RUN)/mgtta-cam demo

test: $(VENV)/.dev          ## the tests: CPU, no network, no ../shared needed (tests that use it say that they skip)
	$(RUN)/python -m pytest $(SPREAD)

check: $(VENV)/.dev         ## the gate: format, lint, types, tests
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/pyright
	$(RUN)/python -m pytest $(SPREAD)

gpu-check:                  ## every check that needs CUDA, as one short table; installs nothing (PYTHON=... picks the interpreter)
	PYTHONPATH=app:models $(PYTHON) -m benchmarks.gpu_check

clean:
	rm -rf $(VENV) build dist

$(RUN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.run: pyproject.toml | $(RUN)/uv
	$(UV) sync --quiet --no-dev --inexact
	touch $@

$(VENV)/.dev: pyproject.toml | $(RUN)/uv
	$(UV) sync --quiet --inexact --compile-bytecode # or each program that a test starts compiles torch's files anew
	touch $@ $(VENV)/.run
