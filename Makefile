.PHONY: setup demo serve test check bench clean

setup: .venv/installed ## Install into .venv

.venv/installed: pyproject.toml constraints.txt
	scripts/setup

demo: setup ## Run the main job on a new DuckDB file: bootstrap, onboard, load, drift, sync, prove
	.venv/bin/python examples/demo.py

serve: setup ## Serve the HTTP API on port 8000
	CA_ROOT_API_KEY="$${CA_ROOT_API_KEY:-development-root-key}" .venv/bin/cloudact serve

test: setup ## Run all tests, on the emulator and with the FOCUS validator where a Python for them is there
	scripts/setup-local-bigquery
	scripts/setup-focus-validator
	scripts/test

check: setup ## Static checks
	scripts/check

bench: setup ## Measure fleets beside raw DuckDB, alembic and dlt, single operations, and BigQuery with slow requests
	scripts/setup-peers
	.venv/bin/python -m benchmarks.fleet
	.venv/bin/python -m benchmarks.single
	.venv/bin/python -m benchmarks.bigquery

clean: ## Remove the environment and the demo; never data/, where the default warehouse is
	rm -rf .venv .venv-alembic .venv-dlt var
