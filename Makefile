# `make demo` shows the main job; `make test` is what CI runs, the layer test included; `make ready` adds what a
# commit needs: format, lints and docs without warnings.
# Rust (see rust-version in Cargo.toml) is needed, and the git program for tests that compare with it; cargo-nextest is
# used when it is there. The outside readers need npm (Node 20 or newer) and python3 with venv. `make bench` races what
# people use today and writes benches/RESULTS.md; it also needs a C++ compiler.

CARGO ?= cargo
ALL := --locked --workspace --all-features

# What others read of our writing is tested with their readers, in pinned versions below the target folder.
OUTSIDE := core/tests/outside
READERS := $(or $(CARGO_TARGET_DIR),target)/outside-readers

.PHONY: demo test ready bench fuzz outside-readers

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

# Needs a nightly compiler and cargo-fuzz (`cargo install cargo-fuzz`). What is found is kept below core/fuzz/corpus; an
# input that breaks something is left in core/fuzz/artifacts.
FUZZ_SECONDS ?= 600
fuzz:
	for target in parse edit json settings; do \
		mkdir -p core/fuzz/corpus/$$target && \
		$(CARGO) +nightly fuzz run --fuzz-dir core/fuzz --target-dir target/fuzz $$target core/fuzz/corpus/$$target core/fuzz/seeds/$$target \
			-- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=5 || exit 1; \
	done

bench:
	$(CARGO) run --locked --release -p lorebase-benches
