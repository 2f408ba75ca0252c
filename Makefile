PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
LITELLM := .venv-litellm
PIP    := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: run test lint bench setup page browser litellm litellm-setup clean

# Stamps: made again only when a lock file changes.
$(VENV)/.stamp: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Reins needs Python 3.11 or newer; $$($(PYTHON) --version) was found. Run: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp requirements-dev.lock
	@$(PIP) -r requirements-dev.lock
	@touch $@

setup: $(VENV)/.stamp

page: setup
	@$(PY) reins/web/dashboard/build.py

run: page
	@$(PY) app.py

browser:
	@sh tests/browser/chromium.sh

# Half of their time tests wait, for processes and the disk: two for each of two cores. Chromium
# needs a core of its own, and a process without Playwright's loop.
test: $(VENV)/.stamp-dev page browser
	$(PY) -m pytest -n 4 --dist loadfile tests/unit tests/property tests/integration tests/docs tests/crash
	$(PY) -m pytest -n 2 --dist loadfile tests/browser

lint: $(VENV)/.stamp-dev page
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PY) reins/web/dashboard/build.py check
	$(PY) -m pytest -q tests/unit/test_architecture.py

bench: $(VENV)/.stamp-dev page browser
	$(PY) -m bench

# An environment of its own: the proxy pins half of what there is. By uv, since pip takes minutes.
$(LITELLM)/.stamp: tests/independent/requirements.txt
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(LITELLM)/bin/uv pip install --quiet --compile-bytecode --python $(LITELLM)/bin/python -r $<
	@touch $@

litellm-setup: $(LITELLM)/.stamp

litellm: $(VENV)/.stamp-dev litellm-setup
	$(PY) -m pytest tests/independent

clean:
	rm -rf $(VENV) $(LITELLM) .mypy_cache .ruff_cache .pytest_cache .hypothesis reins/web/dashboard/node_modules reins/web/dashboard/dist
