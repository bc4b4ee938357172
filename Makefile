# One verb per chore. Every verb installs what it needs first; `make help` lists them.
# PYTHON=… chooses the interpreter; otherwise the first that works (scripts/python-venv)
VENV := .venv
BIN := $(VENV)/bin
LABEXT := jupyter_govern/labextension/package.json
LABEXT_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) labextension/package.json labextension/yarn.lock labextension/tsconfig.json
PY_SOURCES := jupyter_govern gateway/jupyter_govern_gateway kernel_ext/jupyter_govern_kernel server_ext/jupyter_govern_server
SEED ?= 1
FUZZ_SECONDS ?= 120
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: compiled uncompiled adversarial crash tamper help demo hub-demo test unit labtest integration ui lint types bench redteam lock schema clean setup browser simplesaml

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(VENV)/.installed ## install everything below .venv and build the labextension

$(VENV)/.packages: requirements/dev.lock
	@scripts/python-venv $(VENV) $(PYTHON)
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.lock
	@touch $@

labextension/node_modules/.installed: $(VENV)/.packages labextension/package.json labextension/yarn.lock
	@scripts/node-version
	cd labextension && jlpm install --immutable
	@touch $@

$(LABEXT): labextension/node_modules/.installed $(LABEXT_SOURCES)
	cd labextension && jlpm build:prod
	@touch $@

$(VENV)/.installed: $(VENV)/.packages $(LABEXT) pyproject.toml
	HATCH_JUPYTER_BUILDER_SKIP_NPM=true $(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@scripts/link-labextension $(VENV)
	@touch $@

browser:
	@scripts/debian-packages chromium fonts-dejavu-core postgresql-client xmlsec1 openssh-server openssh-client sshpass rsync

simplesaml: ## the SAML provider that tests log in at; where it cannot be had, they are skipped and say so
	@(scripts/debian-packages php-cli php-xml xmlsec1 && scripts/debian-unpacked .compat/debian simplesamlphp) || echo "NO SimpleSAMLphp HERE: tests/integration/test_saml_provider.py and tests/ui/test_saml_login.py are skipped" >&2

demo: setup ## the whole product on this machine; HEADLESS=1 runs the quickstart notebook without a browser and reports
	$(BIN)/jupyter-govern demo $(if $(HEADLESS),--headless)

hub-demo: setup ## the same under JupyterHub with an identity provider; HEADLESS=1 runs its notebook without a browser and reports
	$(BIN)/python -m jupyter_govern.demo.hub_command $(if $(HEADLESS),--headless)

test: unit labtest integration ui ## all tests, each kind in a process of its own: a browser's event loop disturbs the others

unit: setup ## unit tests alone
	@scripts/debian-packages xmlsec1  # SAML's signatures; without it 48 tests would be skipped
	$(BIN)/pytest tests/unit

labtest: setup ## the labextension's own tests
	cd labextension && jlpm test

integration: setup browser simplesaml ## integration tests alone
	$(BIN)/pytest tests/integration
	$(BIN)/pytest tests/differential $(wildcard tests/adversarial)

ui: setup browser simplesaml ## browser tests alone; they also take the screenshots in docs/
	$(BIN)/pytest tests/ui

lint: setup ## ruff, mypy --strict, import-linter, tsc; warnings are errors
	$(BIN)/ruff check .
	$(BIN)/mypy $(PY_SOURCES) bench scripts/lock.py
	$(BIN)/lint-imports
	cd labextension && jlpm lint

compiled: setup ## compile the path of a statement with mypyc, in place (needs a C compiler); the same files run without
	$(BIN)/python scripts/compile_gateway.py

uncompiled: setup ## take away what `make compiled` built
	$(BIN)/python scripts/compile_gateway.py --remove

bench: setup ## pgbench and a 1M-row read: direct, through pgbouncer, through the gateway, with masks; against the targets
	@scripts/debian-packages pgbouncer
	$(BIN)/python -m bench

compat: setup ## public test suites of PostgreSQL clients, directly and through the gateway; PSYCOPG_CHECKOUT=folder adds psycopg's own; ARGS
	$(BIN)/python -m tests.compat $(ARGS)

fuzz: setup ## random and damaged dialogues against the codecs and the session machine, FUZZ_SECONDS=120 long; what fails is kept in tests/fuzz/corpus
	$(BIN)/python -m tests.fuzz $(FUZZ_SECONDS)

redteam: setup ## REDTEAM=folder of a red-team corpus with run.py: run it against a gateway of its own
	$(BIN)/python -m bench.redteam "$(REDTEAM)" $(ARGS)

adversarial: setup ## all attacks of tests/adversarial, and some thousand random statements against a masked copy; ARGS for the first
	$(BIN)/python -m tests.adversarial $(ARGS)
	$(BIN)/python -m tests.differential --count 3000 --seed $(SEED)
	$(BIN)/python -m tests.differential.tpch

crash: setup browser ## KILLS=1000: kill -9 of a gateway under a mixed load so often, and compare PostgreSQL's own log with the recordings
	$(BIN)/python -m tests.crash --kills $(or $(KILLS),1000)

tamper: setup ## every single byte of a set of recordings changed, and every cut made: verification finds each
	TAMPER_STRIDE=1 $(BIN)/pytest tests/unit/recording/test_tampering.py

schema: setup ## write schema/govern.schema.json and docs/configuration.md anew from the configuration model
	$(BIN)/python -m jupyter_govern.config.schema > schema/govern.schema.json
	$(BIN)/python -m jupyter_govern.config.reference > docs/configuration.md

lock: $(VENV)/.packages ## resolve requirements/dev.lock anew
	$(BIN)/python scripts/lock.py $(ARGS)

clean: ## remove what was built and installed
	rm -rf $(VENV) labextension/node_modules labextension/lib labextension/*.tsbuildinfo jupyter_govern/labextension .mypy_cache .ruff_cache
