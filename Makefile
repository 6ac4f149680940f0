# What a person types. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help handouts notebooks app test check test-deep release-check train ship bench clean distclean requirements screenshot test-lowest check-newest chromium peers test-zoo zoo-table

# PYTHON=3.13, PYTHON=python3.12 or a path: the same in an environment of its own, .venv-3.13.
ifneq ($(PYTHON),)
export PYTHON
PYTHON_VERSION := $(shell found=$$(PYTHON="$(PYTHON)" sh scripts/find-python) && "$$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
$(if $(PYTHON_VERSION),,$(error no Python for PYTHON=$(PYTHON)))
VENV ?= .venv-$(PYTHON_VERSION)
endif
VENV ?= .venv
PORT ?= 8501
OUT ?= runs/caltech
RUN ?= $(OUT)
JOBS ?= 3
PY := $(VENV)/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# As scripts/install.py installs the project itself.
EDITABLE := --config-settings editable_mode=compat --editable
# Tests run in so many processes, each from a place of its own in the list: the tests of a file mostly stay together,
# those in a browser share one app, and who is done takes half of what another has left.
SPREAD := -n $(JOBS) --dist worksteal
# The part of the tests that `make check` and `make test-lowest` run.
FAST := -m "not slow and not browser and not peers and not deep and not zoo"

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

app: $(VENV)/.app ## open the course and the laboratory in a browser (PORT=8600; PYTHON=3.13; your own network: NETWORK=module:object, TORCH=module:object; your atlas: ATLAS=DIR)
	@$(PY) -m deconvviz app --port "$(PORT)" $(if $(findstring command,$(origin NETWORK)),--network "$(NETWORK)") $(if $(findstring command,$(origin TORCH)),--network "$(TORCH)") $(if $(findstring command,$(origin ATLAS)),--atlas "$(ATLAS)")

test: $(VENV)/.dev chromium $(if $(PEERS),peers) ## everything: lint, types, all tests, the app in a real Chromium (with PyTorch and Captum: PEERS=1)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@$(MAKE) --no-print-directory -j2 types TESTS='$(SPREAD) -m "not deep and not zoo"' tests

check: $(VENV)/.dev ## the quick part of it: lint, types, all tests that are neither slow nor in a browser
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@$(MAKE) --no-print-directory -j2 types TESTS='-q $(SPREAD) $(FAST)' tests

# Beside each other: mypy reads for a minute when it has not read before, and uses one core.
.PHONY: types tests
types:
	$(PY) -m mypy

tests:
	$(PY) -m pytest $(TESTS)

test-deep: $(VENV)/.dev chromium ## what make test leaves out: all cases of sampled tests, longer searches, the core as XLA compiles it for users
	$(PY) -m pytest $(SPREAD) -m deep

release-check: $(VENV)/.dev ## what a release has to pass besides make test: translations, known vulnerabilities, build/sbom.json
	$(PY) scripts/messages.py check
	@$(PY) -m pip install --quiet $(EDITABLE) ".[release]"
	$(PY) scripts/supply_chain.py build/sbom.json
	$(PY) -m pytest -q --release -m release

train: $(VENV)/.app ## train the shipped network: make train DATA=folder-of-classes [OUT=runs/caltech]
	@test -n "$(DATA)" || { echo "make train needs the pictures, one folder a class: make train DATA=path/to/101_ObjectCategories" >&2; exit 2; }
	$(PY) -m deconvviz train caltech --data "$(DATA)" --out "$(OUT)"

ship: $(VENV)/.dev chromium ## put a trained network in the shipped one's place and make again what rests on it: make ship DATA=data [RUN=runs/caltech]; ARGS=--list tells
	@$(PY) scripts/ship.py "$(RUN)" --data "$(DATA)" $(ARGS)

bench: $(VENV)/.dev chromium ## measure the speed here; against PyTorch too where the peers extra is installed
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(PY) "$$file" || exit 1; done

peers: $(VENV)/.dev ## install PyTorch and Captum too; where that fails, their tests are skipped with a reason
	@$(PY) -m pip install --quiet $(EDITABLE) ".[peers]" || echo "PyTorch and Captum could not be installed: the tests against them are skipped"

chromium: $(VENV)/.dev ## find or get the Chromium that the browser tests drive
	@$(PY) tests/browser/chromium.py --get

requirements: $(VENV)/.dev ## write requirements.txt and the locks again from pyproject.toml (with the newest releases: UPGRADE=1)
	$(PY) scripts/requirements.py --write $(if $(UPGRADE),--upgrade)

notebooks: $(VENV)/.app ## make notebooks with coding tasks of notebooks/*.py, in build/notebooks (installs Jupyter)
	@$(PY) -m pip install --quiet $(EDITABLE) ".[notebooks]"
	@mkdir -p build/notebooks
	@for file in notebooks/[0-9]*.py; do $(PY) -m jupytext --to ipynb --output "build/notebooks/$$(basename $$file .py).ipynb" $$file || exit 1; done
	@echo "open them: $(VENV)/bin/jupyter lab build/notebooks"

handouts: $(VENV)/.dev chromium ## print every lesson on a page of A4, in both languages, in build/handouts
	@$(PY) scripts/handouts.py build/handouts

screenshot: $(VENV)/.dev chromium ## make the README's picture of the laboratory again
	@$(PY) scripts/screenshot.py

test-lowest: $(VENV)-lowest/bin/python ## the quick tests with the oldest releases that pyproject.toml allows (in .venv-lowest)
	$< scripts/requirements.py --lowest > $(VENV)-lowest/lowest.txt
	$< -m pip install --quiet -r $(VENV)-lowest/lowest.txt
	$< -m pip install --quiet $(EDITABLE) . --no-deps
	$< -m pytest -q $(FAST)

test-zoo: $(VENV)-zoo/.zoo ## networks of other people, each against backward rules by hand (in .venv-zoo; docs/networks.md)
	$(VENV)-zoo/bin/python -m pytest -n $(JOBS) -m zoo tests/public

zoo-table: $(VENV)-zoo/.zoo ## measure those networks and write the table in docs/networks.md again
	$(VENV)-zoo/bin/python tests/public/measure.py --write

check-newest: $(VENV)-newest/bin/python ## make check with the newest releases that pyproject.toml allows (in .venv-newest); tells what is to mend before the locks can follow
	$< -m pip install --quiet --upgrade --upgrade-strategy eager $(EDITABLE) ".[dev]"
	$< -m mypy
	$< -m pytest -q $(SPREAD) $(FAST)

clean: ## remove what was built and cached; keeps the environment and runs/
	rm -rf build dist artifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean ## clean, and remove the environments too
	rm -rf .venv .venv-* $(VENV)

# The environments. A stamp is younger than pyproject.toml and the lock when everything in it is installed.
$(VENV)/bin/python $(VENV)-lowest/bin/python $(VENV)-newest/bin/python $(VENV)-zoo/bin/python:
	@python=$$(sh scripts/find-python) && echo "making $(@:/bin/python=) with $$python" && "$$python" -m venv $(@:/bin/python=)

$(VENV)/.app: pyproject.toml locks/app.txt locks/heic.txt | $(VENV)/bin/python
	@echo "installing what the app needs (about 1.2 GB, a few minutes the first time)"
	@$(PY) scripts/install.py app
	@touch $@

$(VENV)/.dev: pyproject.toml locks/dev.txt locks/heic.txt | $(VENV)/bin/python
	@echo "installing what the tests need"
	@$(PY) scripts/install.py dev
	@touch $@ $(VENV)/.app

$(VENV)-zoo/.zoo: pyproject.toml | $(VENV)-zoo/bin/python
	@echo "installing networks of other people, PyTorch among them (several GB)"
	@$(VENV)-zoo/bin/python -m pip install --quiet $(EDITABLE) ".[dev,zoo]"
	@touch $@
