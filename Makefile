# `make demo` shows the main job; `make test` is what CI runs, the layer test included; `make ready` adds what a
# commit needs: format, lints and docs without warnings.
# Rust (see rust-version in Cargo.toml) is needed, and the git program for tests that compare with it; cargo-nextest is
# used when it is there. The outside readers need npm (Node 20 or newer) and python3 with venv.

CARGO ?= cargo
ALL := --locked --workspace --all-features

# What others read of our writing is tested with their readers, in pinned versions below the target folder.
OUTSIDE := core/tests/outside
READERS := $(or $(CARGO_TARGET_DIR),target)/outside-readers

.PHONY: demo test ready bench outside-readers

demo:
	$(CARGO) run --locked --example quickstart

# Without a choice of targets cargo also builds the examples as programs, which the quickstart's test runs.
test: outside-readers
	if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run $(ALL) && $(CARGO) test $(ALL) --doc; else $(CARGO) test $(ALL); fi

outside-readers: $(READERS)/ready

$(READERS)/ready: $(OUTSIDE)/package.json $(OUTSIDE)/package-lock.json $(OUTSIDE)/requirements.txt
	mkdir -p $(READERS)
	cp $(OUTSIDE)/package.json $(OUTSIDE)/package-lock.json $(READERS)
	npm ci --prefix $(READERS) --ignore-scripts --no-audit --no-fund
	python3 -m venv $(READERS)/venv
	$(READERS)/venv/bin/pip install --quiet --disable-pip-version-check --requirement $(OUTSIDE)/requirements.txt
	touch $@

ready: test
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(ALL) --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc $(ALL) --no-deps

bench:
	$(CARGO) bench $(ALL)
