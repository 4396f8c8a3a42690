# `make walk` and `make test` do all the set-up; both can be interrupted and repeated. `make help` lists the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin

FITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
# The first Python that starts, is new enough and can make environments; say PYTHON=… to choose another.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c '$(FITS)' >/dev/null 2>&1 && { command -v $$python; break; }; done)

# The tests' clusters are their own, beside yours: their state is in build/, the programs they run in the shared cache.
TEST_STATE := $(CURDIR)/build/test/state
KIND_STATE := $(CURDIR)/build/test/kind
PURE := not live and not browser and not slow and not kind

# `make walk PROVIDER=kind` for real nodes and containers; by default kitlib chooses what this machine can do.
CHOSEN = $(if $(PROVIDER),--provider $(PROVIDER))

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' -v columns="$${COLUMNS:-80}" '{ \
	line = sprintf("  make %-12s", $$1); count = split($$2, words, " "); \
	for (i = 1; i <= count; i++) { if (length(line) + 1 + length(words[i]) > columns) { \
	print line; line = sprintf("%19s", "") } line = line " " words[i] } print line }'

.PHONY: python env env-test env-bench
python:
	@"$(PYTHON)" -c '$(FITS)' >/dev/null 2>&1 || { \
	echo "kitlib needs Python 3.11 or newer with venv, $(if $(PYTHON),which is not,and found none.)" >&2; \
	$(if $(PYTHON),echo "  $(PYTHON)" >&2;) \
	echo "  Next: install it (Debian, Ubuntu: apt install python3 python3-venv;" >&2; \
	echo "        macOS: brew install python; others: python.org), or name yours:" >&2; \
	echo "        make PYTHON=/path/to/python3.12" >&2; exit 1; }

env: python ## Make or mend .venv: what a walk needs
	@"$(PYTHON)" tools/environment.py

env-test: python ## Make or mend .venv: what the tests need, too
	@"$(PYTHON)" tools/environment.py test

env-bench: python ## Make or mend .venv: what the tests and the benchmarks need, too
	@"$(PYTHON)" tools/environment.py bench test

.PHONY: walk lab
walk: env ## Find or make a cluster, run every notebook on it, print verdicts, write site/
	@$(BIN)/kitlib walk $(CHOSEN)

lab: env ## Open JupyterLab at the first notebook, on the same cluster
	@$(BIN)/kitlib lab $(CHOSEN)

.PHONY: site notebooks
site: env ## Write site/ from the last walk, running nothing
	@$(BIN)/kitlib walk --site-only

notebooks: env ## Walk, then take the executed notebooks over into notebooks/ to be committed
	@$(BIN)/kitlib walk --keep-outputs

.PHONY: lint test test-kind check bench
lint: env-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Lint has one processor while clusters come up. One pytest for everything, so that its last line speaks for all: pure
# tests in two processes, then those with clusters in one and exercises in the other (tests/bylane.py), lessons beside
# them (tests/executed.py). The tests' clusters go away however it ends. What takes minutes when nothing is cached comes
# first, because it shows its progress, which pytest would swallow.
LANES ?= --numprocesses=2 --no-loadscope-reorder
PYTEST = status=0; KITLIB_STATE="$(TEST_STATE)" $(BIN)/pytest -m "not lowest" $(LANES) --nbval-lax \
	--nbval-sanitize-with=tests/nbval.cfg tests notebooks $(ARGS) || status=$$?; \
	for state in "$(TEST_STATE)" "$(KIND_STATE)"; do KITLIB_STATE="$$state" $(BIN)/kitlib down --quiet || true; done; \
	exit $$status

test: env-test ## Lint, types, layers and every test: pure, live, notebooks on embedded and on kind, browser
	@mkdir -p build; status=0; { $(MAKE) --no-print-directory lint >build/lint.log 2>&1 & }; lint=$$!; \
	{ KITLIB_STATE="$(KIND_STATE)" $(BIN)/python tests/prepare.py && \
	KITLIB_STATE="$(TEST_STATE)" $(BIN)/kitlib up --provider embedded; } || status=$$?; \
	{ KITLIB_STATE="$(TEST_STATE)" $(BIN)/kitlib up --kubernetes 1.17 && \
	KITLIB_STATE="$(TEST_STATE)" $(BIN)/kitlib down --quiet embedded-1.17; } || echo "Tests of 1.17 are skipped." >&2; \
	wait $$lint || status=$$?; cat build/lint.log; exit $$status
	@$(PYTEST)

.PHONY: test-lowest
test-lowest: env-test ## The pure tests, and a record, with exactly the lowest versions that pyproject.toml allows
	@$(BIN)/python tools/environment.py lowest >/dev/null
	@KITLIB_STATE="$(TEST_STATE)" $(BIN)/pytest -m lowest tests $(ARGS)

test-kind: ARGS := -m kind $(ARGS)
test-kind: env-test ## Only the tests that need containers, on a kind cluster
	@KITLIB_STATE="$(KIND_STATE)" $(BIN)/python tests/prepare.py
	@$(PYTEST)

check: lint ## The inner loop: format, lint, types, layers, pure tests; under a minute
	$(BIN)/pytest -q --numprocesses=2 --no-loadscope-reorder -m "$(PURE)" tests $(ARGS)

bench: env-bench ## Measure what the project promises about speed: build/bench.json; ARGS="list watch" for some
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: faults
faults: env-test ## Record through 773 scenarios of faults, judged by etcd; ARGS="--only 137" for one, ARGS=guards without each guard
	@$(BIN)/python -m tests.faults $(ARGS)

.PHONY: mutants
mutants: env-test ## Replay lessons on changed recordings: what turns each claim; ARGS="job daemonset" for some, --all for every change
	@$(BIN)/python -m tests.lessons.mutants $(ARGS)

.PHONY: causes
causes: env-test ## Make the corpus of `kitlib why` anew on the embedded cluster; ARGS=kind on kind; then docs/causes.md
	@$(BIN)/python -m tests.why.corpus $(or $(ARGS),embedded)
	@$(BIN)/python tools/causes.py

.PHONY: format pin clean
format: env-test ## Format the code, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pin: env-test ## Write constraints.txt from what is installed
	@$(BIN)/python tools/pin.py

clean: ## Remove build/, site/ and the tests' clusters; keep .venv and the shared cache
	@if [ -x $(BIN)/kitlib ]; then for state in "$(TEST_STATE)" "$(KIND_STATE)"; do \
	KITLIB_STATE="$$state" $(BIN)/kitlib down --quiet || true; done; fi
	rm -rf build site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
