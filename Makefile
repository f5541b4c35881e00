# make demo, make test, make lint: each sets up what it needs, in a virtual environment of its own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_FLAGS ?= -n 2

.PHONY: demo test test-frameworks lint yardsticks bench fuzz soak clean

demo: $(VENV)/.demo
	@tests/demo/run $(BIN)

test: $(VENV)/.test $(VENV)/.system $(VENV)/.sdks
	$(BIN)/pytest $(PYTEST_FLAGS)

# Real training scripts with what SwanLab integrates; they have an environment of their own, of 2 GB.
test-frameworks: $(VENV)/.test $(VENV)/.frameworks
	$(BIN)/pytest $(PYTEST_FLAGS) tests/frameworks

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/vermin --quiet --no-tips --violations --target=3.7- shim swanlab_cli/environment/secrets

# What the neighbouring folder ../shared measures, against thresholds that only rise.
yardsticks: $(VENV)/.test $(VENV)/.system
	$(BIN)/python tests/yardsticks/run.py ../shared

bench: $(VENV)/.test $(VENV)/.system
	for script in tests/bench/bench_*.py; do $(BIN)/python $$script || exit 1; done

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV) && tests/debian-packages python3-venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/.test $(VENV)/.lint $(VENV)/.demo $(VENV)/.fuzz: $(VENV)/.%: $(BIN)/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

$(VENV)/.lint: $(VENV)/.test

# Programs that tests run or that serve them; nothing is installed where all are there.
$(VENV)/.system: tests/debian-packages Makefile | $(BIN)/python
	tests/debian-packages gcc:gcc libc6-dev:/usr/include/stdio.h git:git tmux:tmux less:less vim:vim procps:ps pypy3:pypy3 sudo:sudo \
	    slurmctld:/usr/sbin/slurmctld slurmd:/usr/sbin/slurmd slurm-client:sbatch munge:/usr/sbin/munged
	touch $@

$(VENV)/.frameworks: tests/frameworks/requirements.txt | $(BIN)/python
	$(BIN)/python -m venv --clear $(VENV)/frameworks
	$(VENV)/frameworks/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# The real SDKs, which tests/semantics compares with; without them those comparisons are skipped.
$(VENV)/.sdks: tests/semantics/install-sdks | $(BIN)/python
	tests/semantics/install-sdks $(VENV)

# Coverage-guided, from a growing corpus of its own; what it finds it leaves as crash-* or timeout-* in that folder.
FUZZ_SECONDS ?= 600
fuzz: $(VENV)/.fuzz
	mkdir -p $(VENV)/fuzz
	$(BIN)/python tests/fuzz/fuzz_parser.py $(VENV)/fuzz -artifact_prefix=$(VENV)/fuzz/ -max_total_time=$(FUZZ_SECONDS) -timeout=20 -max_len=4000

soak: $(VENV)/.test
	$(BIN)/python tests/bench/soak.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
