PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: run test lint bench setup page browser clean

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
	@$(PY) web/dashboard/build.py

run: page
	@$(PY) app.py

browser:
	@sh tests/browser/chromium.sh

# Most tests wait, for processes and the disk: two at a time. Chromium needs the machine to itself.
test: $(VENV)/.stamp-dev page browser
	$(PY) -m pytest -n 2 --dist loadfile tests/unit tests/property tests/integration tests/docs tests/crash
	$(PY) -m pytest tests/browser

lint: $(VENV)/.stamp-dev page
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PY) web/dashboard/build.py check
	$(PY) -m pytest -q tests/unit/test_architecture.py

bench: $(VENV)/.stamp-dev page browser
	$(PY) -m bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis web/dashboard/node_modules web/dashboard/dist
