# demo   everything on a fresh machine with Python 3.11: install, draw, train, judge, report
# test   the tests, under five minutes on two cores; test-slow runs the marked ones
# check  format, lint, types, layers
# bench  the figures in benchmarks/results
# docs   the generated pages of docs/reference

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-slow check bench docs clean

demo: $(STAMP)
	$(BIN)/zokusei data draw demo/corpus --count 3000 --size 128
	$(BIN)/zokusei train configs/demo.yaml
	$(BIN)/zokusei evaluate demo/run
	$(BIN)/zokusei report demo/run --out demo/report.html
	$(BIN)/zokusei data draw demo/unseen --count 3 --size 128 --seed 1
	$(BIN)/zokusei tag demo/unseen --model demo/run
	@echo
	@echo "Look at demo/report.html: it opens in any browser, without a network."

# A process a core, each with one thread: small networks gain nothing from more.
test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

test-slow: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n auto --dist worksteal

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/danbooru.py
	$(BIN)/python benchmarks/tables.py

docs: $(STAMP)
	$(BIN)/python docs/generate.py

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[dev]"
	@touch $@

clean:
	rm -rf demo $(VENV)
