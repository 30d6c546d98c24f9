# make run: the sample system, or what waits in the home's inbox, through the whole pipeline
# make ui: the Dagster UI, its daemon and the reports;  make test: everything that CI runs
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: run test ui lock clean

run: $(STAMP)
	$(VENV)/bin/llr run --sample

ui: $(STAMP)
	$(VENV)/bin/llr serve

test: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/dagster definitions validate -w workspace.yaml
	$(VENV)/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

# Hashes are checked, bytecode is compiled (dagster starts twice as fast), and the stamp is written last.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; this is %s. Name another: make run PYTHON=python3.11" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) from requirements.lock; this takes a minute or two, once."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

lock:
	echo 'duckdb==1.5.5' > constraints.tmp
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-strip-extras --no-header -c constraints.tmp -o requirements.lock
	rm constraints.tmp

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
