# Livestall. `make` or `make help` lists what there is; `make run` is all that a fresh machine needs.
.DEFAULT_GOAL := help
.PHONY: help run demo check reset test lint shots locks clean simulate chaos-sale bench-claims bench-fanout bench-sale bench-settle chaos-settle replay
VIEWERS ?= 200
PY := .venv/bin/python
export PYTHON
# Where it is set, each process compiles all sources anew: 0.3 s of each start, 6 s of each process of the tests.
unexport PYTHONDONTWRITEBYTECODE
# Recipes start with exec, so that a killed make takes what it started with it.
RUN := exec env LIVESTALL_DIE_WITH_PARENT=1 $(PY) app.py

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.stamp-run ## Start the shop with a demo sale: http://127.0.0.1:8000 (PORT=, WEB=, HOST=; see .env.example)
	@$(RUN)

demo: .venv/.stamp-run ## As run, with simulated viewers who chat, claim and pay (VIEWERS=200)
	@$(RUN) demo --viewers $(VIEWERS) $(ARGS)

check: .venv/.stamp-run ## Recompute every stock, hold, order and payment rule on the kept data
	@$(PY) app.py check

reset: .venv/.stamp-run ## Throw the kept data away and begin with a new demo shop at the next start
	@if $(PY) app.py env >/dev/null 2>&1; then echo "Stop the running shop first." >&2; exit 1; fi
	rm -rf var

test: .venv/.stamp-test ## Run all tests; the browser's last (ARGS="-k name" for some)
	@# A file's shop is started once, by one process; in the order of their names the longest tests do not come last.
	$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not e2e" --ignore tests/e2e $(ARGS)
	$(if $(wildcard tests/js/*.test.js tests/js/*/*.test.js),.venv/bin/node --test $(wildcard tests/js/*.test.js tests/js/*/*.test.js))
	@sh scripts/setup.sh browser
	$(PY) -m pytest -n 2 --dist loadfile tests/e2e $(ARGS)

simulate: .venv/.stamp-test ## Play evenings by chance with crashes and look for a broken rule (RUNS=10000; SEED=n again)
	$(if $(SEED),,CRASH_EVERY=1 $(PY) -m pytest -q tests/orders/test_crashes.py)
	@$(PY) -m tests.simulation.run $(or $(RUNS),10000) $(SEED)

bench-claims: .venv/.stamp-test ## Measure claims beside the usual way, functions and doors (3 min, a quiet machine, a C compiler; ROUNDS=3)
	@ROUNDS=$(or $(ROUNDS),3) $(PY) -m tests.bench.claims

bench-fanout: .venv/.stamp-test ## Measure telling many sockets, beside a Node server (5 min, a quiet machine, a C compiler)
	@$(PY) tests/bench/fanout.py $(ARGS)

.PHONY: bench-video
bench-video: .venv/.stamp-test ## Measure how late a picture and its pins are, glass to glass (6 min, a quiet machine; ARGS="--seconds 30")
	@sh scripts/setup.sh browser
	@$(PY) tests/bench/video.py $(ARGS)

bench-sale: .venv/.stamp-test ## Measure three flash sales with 2,000 viewers, as they see them (ARGS="--viewers 500 --web 2")
	@$(PY) tests/bench/sale.py $(ARGS)

chaos-sale: .venv/.stamp-test ## Break one thing at a time in a simulated sale, look for lost or doubled claims (ARGS="--only 9")
	@$(PY) -m tests.faults.chaos $(ARGS)

bench-settle: .venv/.stamp-test ## Settle and audit 1,000,000 orders, then 2,000,000; beside an ORM (5 min, a quiet machine)
	@$(PY) tests/bench/settle.py $(ARGS)

chaos-settle: .venv/.stamp-test ## Settle 1,000,000 orders while workers and the database die; the totals stay (3 min)
	@$(PY) tests/bench/chaos_settle.py $(ARGS)

replay: .venv/.stamp-test ## Play a file of invoices as paid orders and compare every affiliate's sum (FILE=…)
	$(PY) scripts/replay.py $(FILE)

lint: .venv/.stamp-test ## Check style (ruff) and the direction of imports (import-linter)
	$(PY) -m ruff check .
	.venv/bin/lint-imports

shots: .venv/.stamp-test ## Take a picture of every page in all eight looks into artifacts/shots
	@sh scripts/setup.sh browser
	EVERY_LOOK=1 $(PY) -m pytest -n 2 tests/e2e -k "test_page or every_look" $(ARGS)

locks: ## Make requirements*.txt and package-lock.json anew from requirements*.in and package.json
	@sh scripts/locks.sh

clean: ## Remove what was installed and built; the data in var/ stays
	rm -rf .venv node_modules static/vendor artifacts .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.stamp-run: requirements.txt requirements-node.txt package-lock.json scripts/setup.sh scripts/setup.py scripts/vendor.py
	@sh scripts/setup.sh run

.venv/.stamp-test: requirements-dev.txt .venv/.stamp-run
	@sh scripts/setup.sh test
