# Thin names for the README's commands. A fresh machine needs git, make and Python 3.11+ with pip; all else comes here.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
UV := UV_PROJECT_ENVIRONMENT=$(VENV) $(RUN)/uv
# Tests side by side: many of them wait for programs that they started. SPREAD= runs them in one process.
SPREAD ?= -n auto --maxprocesses 4 --dist worksteal

.PHONY: demo test check docs gpu-check clean

demo: $(VENV)/.run          ## adapt the embedded model on the embedded clip; show it, or save it where there is no display
	$(RUN)/mgtta-cam demo

test: $(VENV)/.dev          ## the tests: CPU, no network, no ../shared needed (tests that use it say that they skip)
	$(RUN)/python -m pytest $(SPREAD)

check: $(VENV)/.dev docs    ## the gate: site, format, lint, types, tests (ISA=all: the tests as six processors would compute them)
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/pyright
	$(RUN)/python -m $(if $(filter all,$(ISA)),tests.processors,pytest) $(SPREAD)

docs: $(VENV)/.docs         ## the documentation site, in build/site; a dead link or an unknown name ends it
	$(RUN)/python docs/cli_reference.py
	$(RUN)/zensical build --clean --strict

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

# Bytecode is compiled here: where PYTHONDONTWRITEBYTECODE is set, each program that a test starts would compile torch.
$(VENV)/.dev: pyproject.toml | $(RUN)/uv
	$(UV) sync --quiet --inexact --compile-bytecode
	touch $@ $(VENV)/.run

$(VENV)/.docs: pyproject.toml | $(RUN)/uv
	$(UV) sync --quiet --inexact --compile-bytecode --group docs
	touch $@ $(VENV)/.run $(VENV)/.dev
