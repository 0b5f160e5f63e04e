# From nothing but make and Python 3.11 or newer (with venv) to an answering page: make chat
#
# Each target sets up what it needs; a second run finds it there and asks no network.
#   make chat                      ask in the browser
#   make ask Q="..."               ask here
#   make eval ARGS="--limit 20"    arguments go on to the command
#   make setup PYTHON=python3.12   with this Python

VENV   := .venv
PY     := $(VENV)/bin/python
TORCH  := torch==2.13.0
PIP    := $(PY) -m pip --disable-pip-version-check -qq install
DEPS   := pyproject.toml constraints.txt
ARGS   ?=
# The question as it was typed, dollar signs and quotes included.
export QUESTION := $(value Q)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup chat ask index eval bench stress test lint clean weights weights-dev

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1|\2/' | \
	  while IFS='|' read -r name what; do printf '  %-12s %s\n' "$$name" "$$what"; done

setup: $(VENV)/.installed weights ## install what answering needs, and fetch the model weights

chat: setup ## ask the article in the browser
	@$(PY) -m index
	@$(PY) -m ui $(ARGS)

ask: $(VENV)/.indexed ## ask here: make ask Q="What is recursive self-improvement?"
	@if [ -z "$$QUESTION" ]; then echo 'Ask something: make ask Q="..."' >&2; exit 2; fi
	@$(PY) -m rag $(ARGS) -- "$$QUESTION"

index: setup ## build or update the index of the article
	@$(PY) -m index $(ARGS)

eval: $(VENV)/.installed-dev weights-dev ## measure the answers on the gold questions
	@$(PY) -m index
	@$(PY) -m evals run $(ARGS)

# A target that is missed gives the first part a status; the beds are asked all the same.
bench: $(VENV)/.installed-dev weights-dev ## how fast everything is, beside its limit and a peer; then what stress does
	@$(PY) -m index
	@status=0; $(PY) -m evals speed $(ARGS) || status=$$?; \
	  $(PY) -m evals stress || status=$$?; \
	  [ -z "$$XQUAD" ] || $(PY) -m evals xquad || status=$$?; exit $$status

stress: $(VENV)/.installed-dev weights-dev ## ask withheld, altered and noisy articles; XQuAD where XQUAD names its folder
	@$(PY) -m index
	@$(PY) -m evals stress $(ARGS)
	@[ -z "$$XQUAD" ] || $(PY) -m evals xquad

test: lint weights-dev ## lint, then every test, those with the real models included
	@$(PY) -m pytest $(ARGS)

lint: $(VENV)/.installed-dev ## ruff, mypy and import-linter
	@$(VENV)/bin/ruff check --quiet --output-format concise .
	@$(VENV)/bin/ruff format --check --quiet . || { echo 'Format it with: $(VENV)/bin/ruff format .' >&2; exit 1; }
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo >$(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@echo 'ruff, mypy and import-linter: no complaint'

clean: ## remove the virtual environment and caches (weights and indexes stay)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

weights: $(VENV)/.installed
	@$(PY) -m index weights >$(VENV)/weights.log

weights-dev: $(VENV)/.installed-dev
	@$(PY) -m index weights >$(VENV)/weights.log

# Cleared: one whose Python is gone (the system has a newer one) still says that all is installed.
$(PY):
	@for candidate in $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Creating $(VENV) with $$("$$candidate" --version)"; \
	    "$$candidate" -m venv --clear $(VENV) >/dev/null && exit 0; \
	    rm -rf $(VENV); \
	    echo "$$candidate cannot make a virtual environment; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed, found $$($(or $(PYTHON),python3) --version 2>/dev/null || echo none). Install it, or name it: make setup PYTHON=/path/to/python3" >&2; \
	exit 1

# torch first and alone: it is by far the largest, and an interrupted set-up need not fetch it again.
$(VENV)/.torch: | $(PY)
	@echo 'Installing $(TORCH) (the largest part; minutes on a slow line)'
	@$(PIP) $(TORCH)
	@touch $@

$(VENV)/.installed: $(DEPS) | $(VENV)/.torch
	@echo 'Installing Duizhao and what it needs'
	@$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(DEPS) | $(VENV)/.torch
	@echo 'Installing Duizhao, what it needs, and what tests it'
	@$(PIP) -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.indexed: $(VENV)/.installed
	@$(PY) -m index weights >$(VENV)/weights.log
	@$(PY) -m index
	@touch $@
