# make demo   set up, predict on a synthetic 360° scene, show the result; in a terminal, serve it until Ctrl-C
# make test   set up for development, run every check
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test fuzz audit test-slow test-web test-long test-gpu lint format viewer bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.venv/core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "atsal needs Python 3.11 or newer; set PYTHON=")'
	@echo "setting up .venv (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) --editable .
	@touch $@

.venv/dev: .venv/core
	@echo "setting up the development tools"
	@$(INSTALL) --editable '.[dev]'
	@touch $@

demo: .venv/core ## predict on a synthetic 360° scene and show the result
	@mkdir -p demo
	@$(BIN)/python -c 'from atsal.video.synthetic_scene import render_video as render; \
		render("demo/scene.mp4", seconds=4, frame_rate=15, erp_height=480, seed=7)'
	@$(BIN)/atsal compare demo/scene.mp4 -o demo/comparison.mp4 --sheet demo/comparison.png --overwrite
	@echo
	@echo "demo/comparison.mp4 shows the scene and the maps of attention, of the experts, and of both;"
	@echo "demo/comparison.png is a sheet of it. Next, predict a 360° video or photo of yours:"
	@echo "  $(BIN)/atsal predict VIDEO.mp4 -o results"
	@echo "  $(BIN)/atsal predict PHOTO.jpg -o results --format npy"
	@echo "The scene on the sphere, in the browser: drag to look around, space plays, 1 2 3 show each stream, ? lists the keys:"
	@echo "  $(BIN)/atsal view demo/scene.mp4"
	@if test -t 1; then $(BIN)/atsal view demo/scene.mp4 --no-browser; fi

# `pip install .` replaces the editable install by a copy: later edits of src/ would not be tested
.PHONY: editable
editable: .venv/dev
	@$(BIN)/python -c 'import pathlib, sys; from importlib.util import find_spec; \
		sys.exit(pathlib.Path("src/atsal").resolve() != pathlib.Path(find_spec("atsal").origin).parent)' 2>/dev/null \
		|| { echo "restoring the editable install"; $(INSTALL) --no-deps --editable .; }

lint: editable ## format and lint check, types
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

format: .venv/dev ## format, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: lint ## every check: format, lint, types, tests
	@$(BIN)/python -m pytest -m 'not gpu and not slow and not fuzz and not web' --numprocesses 2 --dist worksteal

SEED ?= 0
FILES ?= 12000
fuzz: editable ## damaged and hostile files, each read or refused with a message; SEED=1 FILES=24000 for others, and more
	@ATSAL_FUZZ_SEED=$(SEED) ATSAL_FUZZ_FILES=$(FILES) $(BIN)/python -m pytest -m fuzz

.venv/audit:
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.7'

audit: .venv/dev .venv/audit ## known vulnerabilities of the installed packages; needs the network
	@$(BIN)/python .ci/audit.py .venv/audit/bin/pip-audit "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

.venv/slow: .venv/dev
	@$(INSTALL) --editable '.[ray]'
	@touch $@

test-slow: editable .venv/slow ## the tests that take many seconds each
	@$(BIN)/python -m pytest -m 'slow and not web'

.venv/web: .venv/core
	@npm install --silent --no-save --ignore-scripts --prefix $@ onnxruntime-web@1.30.0
	@touch $@

viewer/node_modules: viewer/package-lock.json
	@npm ci --silent --ignore-scripts --no-audit --no-fund --prefix viewer
	@touch $@

viewer: .venv/core viewer/node_modules ## build the pages of `atsal view` and `atsal serve`; needs node and npm
	@$(BIN)/python -m atsal.viewing.typescript > viewer/src/scene.gen.ts
	@npm run --silent --prefix viewer build

test-web: editable .venv/web viewer/node_modules ## the page in Chromium, the ONNX file in Node; needs node, npm, chromium
	@$(BIN)/python -m pytest -m 'web and not slow'

test-long: editable viewer/node_modules ## the page in Chromium for ten minutes: its memory is steady
	@$(BIN)/python -m pytest -s -m 'web and slow'

test-gpu: editable ## the tests that need a CUDA device
	@$(BIN)/python -m pytest -m gpu

bench: .venv/core ## speed of this machine, as ratios measured in one run
	@$(BIN)/atsal bench
	@$(BIN)/python benchmarks/metrics.py

clean: ## remove what the targets made
	rm -rf .venv viewer/node_modules demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
