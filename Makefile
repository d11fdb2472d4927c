# failsoft's few commands. Each does everything it needs on a fresh machine; the second time it downloads nothing.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench clean
KUBERNETES ?= fake
PYTEST ?= -q -n 2 --dist worksteal -m 'not slow and not real_kubernetes'
parts = .venv/bin/python tools/parts.py

help:
	@echo 'make demo                   the whole loop in a small lab: fault, alert, runbook, recovery, report (4 minutes)'
	@echo 'make demo KUBERNETES=real   the same on a real Kubernetes control plane, built with Go the first time'
	@echo 'make test                   all tests; PYTEST="-k janitor" and the like choose among them'
	@echo 'make lint                   style, types and the storeys of docs/architecture.md'
	@echo 'make bench                  the speed that we promise'
	@echo 'make clean                  removes .venv, .cache (the real parts) and what was built'

demo:
	@tools/bootstrap
	@$(parts) prometheus $(if $(filter real,$(KUBERNETES)),kubernetes)
	@.venv/bin/failsoft lab demo --kubernetes $(KUBERNETES)

test:
	@tools/bootstrap
	@$(parts) prometheus
	@$(parts) --optional postgresql real-data
	@.venv/bin/python -m pytest $(PYTEST)

lint:
	@tools/bootstrap
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/mypy tools/*.py
	.venv/bin/lint-imports

bench:
	@tools/bootstrap
	@$(parts) prometheus
	.venv/bin/python -m bench

clean:
	rm -rf .venv .cache build dist out .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
