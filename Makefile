# What a person types. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help app test check release-check slow train bench clean distclean requirements screenshot test-lowest chromium peers

VENV ?= .venv
PORT ?= 8501
OUT ?= runs/caltech
JOBS ?= 2
PY := $(VENV)/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests run in so many processes, each from a place of its own in the list: the tests of a file mostly stay together,
# those in a browser share one app, and who is done takes half of what another has left.
SPREAD := -n $(JOBS) --dist worksteal
# The part of the tests that `make check` and `make test-lowest` run.
FAST := -m "not slow and not browser and not peers"

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

app: $(VENV)/.app ## open the course and the laboratory in a browser (PORT=8600; your own network: NETWORK=module:object; your atlas: ATLAS=DIR)
	@$(PY) scripts/open_app.py --port "$(PORT)" $(if $(findstring command,$(origin NETWORK)),--network "$(NETWORK)") $(if $(findstring command,$(origin ATLAS)),--atlas "$(ATLAS)")

test: $(VENV)/.dev chromium $(if $(PEERS),peers) ## everything: lint, types, all tests, the app in a real Chromium (with PyTorch and Captum: PEERS=1)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pytest $(SPREAD)

check: $(VENV)/.dev ## the quick part of it: lint, types, all tests that are neither slow nor in a browser
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pytest -q $(SPREAD) $(FAST)

slow: $(VENV)/.dev chromium ## all tests, to find out which are slow: writes tests/slow.txt
	$(PY) -m pytest $(SPREAD) --write-slow --durations=40

release-check: $(VENV)/.dev ## what a release has to pass besides make test: every text is translated
	$(PY) scripts/messages.py check
	$(PY) -m pytest -q --release -m release

train: $(VENV)/.app ## train the shipped network: make train DATA=folder-of-classes [OUT=runs/caltech]
	@test -n "$(DATA)" || { echo "make train needs the pictures, one folder a class: make train DATA=path/to/101_ObjectCategories" >&2; exit 2; }
	$(PY) -m deconvviz train caltech --data "$(DATA)" --out "$(OUT)"

bench: $(VENV)/.dev chromium ## measure the speed here; against PyTorch too where the peers extra is installed
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(PY) "$$file" || exit 1; done

peers: $(VENV)/.dev ## install PyTorch and Captum too; where that fails, their tests are skipped with a reason
	@$(PY) -m pip install $(EDITABLE) ".[peers]" || echo "PyTorch and Captum could not be installed: the tests against them are skipped"

chromium: $(VENV)/.dev ## find or get the Chromium that the browser tests drive
	@$(PY) tests/browser/chromium.py --get

requirements: $(VENV)/.app ## write requirements.txt again from pyproject.toml
	$(PY) scripts/requirements.py --write

screenshot: $(VENV)/.dev chromium ## make the README's picture of the laboratory again
	@$(PY) scripts/screenshot.py

test-lowest: ## the quick tests with the oldest releases that pyproject.toml allows (in .venv-lowest)
	@test -x .venv-lowest/bin/python || { python=$$(sh scripts/find-python) && "$$python" -m venv .venv-lowest; }
	.venv-lowest/bin/python scripts/requirements.py --lowest > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install -q -r .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install $(EDITABLE) . --no-deps
	.venv-lowest/bin/python -m pytest -q $(FAST)

clean: ## remove what was built and cached; keeps the environment and runs/
	rm -rf build dist artifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean ## clean, and remove the environments too
	rm -rf $(VENV) .venv-lowest

# The environment. A stamp is younger than pyproject.toml when everything in it is installed.
$(VENV)/bin/python:
	@python=$$(sh scripts/find-python) && echo "making $(VENV) with $$python" && "$$python" -m venv $(VENV)

# "compat" puts the folder itself on the path, without a list of packages that would have to be kept.
EDITABLE := --quiet --config-settings editable_mode=compat -e
INSTALL_FAILED = { echo "The packages could not be installed (pip's reason is above). The first install needs a network; later ones do not." >&2; exit 1; }

$(VENV)/.app: pyproject.toml | $(VENV)/bin/python
	@echo "installing what the app needs (about 1.2 GB, a few minutes the first time)"
	@$(PY) -m pip install $(EDITABLE) . || $(INSTALL_FAILED)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@echo "installing what the tests need"
	@$(PY) -m pip install $(EDITABLE) ".[dev]" || $(INSTALL_FAILED)
	@touch $@ $(VENV)/.app
