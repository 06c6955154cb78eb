# `make demo` shows the main job; `make test` is what CI runs, the layer test included; `make ready` adds what a
# commit needs: format, lints and docs without warnings.
# Rust (see rust-version in Cargo.toml) is needed, and the git program for tests that compare with it; cargo-nextest is
# used when it is there. `make bench` races what people use today and writes benches/RESULTS.md; it also needs Node 20 with
# npm, Python 3.11 and, the first time, the network and a C++ compiler.

CARGO ?= cargo
ALL := --locked --workspace --all-features

.PHONY: demo test ready bench

demo:
	$(CARGO) run --locked --example quickstart

# Without a choice of targets cargo also builds the examples as programs, which the quickstart's test runs.
test:
	if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run $(ALL) && $(CARGO) test $(ALL) --doc; else $(CARGO) test $(ALL); fi

ready: test
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(ALL) --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc $(ALL) --no-deps

bench:
	$(CARGO) run --locked --release -p lorebase-benches
