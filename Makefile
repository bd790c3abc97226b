# The two commands of a newcomer are `make run` and `make test`; `make` alone lists the others.

# How `make run` and `make demo` build: dev is ready soonest; PROFILE=release is what production runs.
PROFILE ?= dev
# How long `make fuzz` spends on each target, in seconds.
FUZZ_SECONDS ?= 60

TO_BUILD := rust compiler libpq
TO_TEST := $(TO_BUILD) postgres curl python shellcheck proxies oidc browser axe

export JUNO_PYTHON := $(CURDIR)/target/python/bin/python

.DEFAULT_GOAL := help
.PHONY: help run demo test check lint screenshots bench fuzz release clean

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build and start the gateway on SQLite in ./data with a demo tenant; Ctrl-C ends it
	@deploy/setup.sh $(TO_BUILD)
	cargo build --locked --profile $(PROFILE) --bin juno
	@deploy/run.sh "$(PROFILE)"

demo: ## Let entra-sim provision three tenants of a gateway of its own, and report
	@deploy/setup.sh $(TO_BUILD)
	cargo build --locked --profile $(PROFILE) --bin juno --bin entra-sim
	@deploy/demo.sh "$(PROFILE)"

test: ## Install what is missing, then run every check and every test
	@deploy/setup.sh $(TO_TEST)
	@$(MAKE) --no-print-directory check

check: lint ## Format, lints, documentation, scripts, then all tests: dependencies, licences and walls among them
	cargo test --workspace --locked --no-fail-fast

lint: ## Format, lints, documentation and scripts, without a test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	shellcheck deploy/*.sh deploy/proxy/*.sh .ci/run
	deploy/proxy/check.sh

screenshots: ## Take pictures of every page of the console into target/screenshots, light and dark, wide and narrow
	@deploy/setup.sh $(TO_BUILD) browser fonts
	cargo build --locked --bin juno --bin entra-sim
	rm -rf target/screenshots
	FONTCONFIG_FILE=$(CURDIR)/crates/gateway/tests/browser/fonts.conf \
	    cargo test --locked --package gateway --test gateway browser::tour::screenshots -- --ignored

bench: ## Measure the gateway against pgbench on a private PostgreSQL (docs/PERFORMANCE.md)
	@deploy/setup.sh $(TO_BUILD) postgres
	cargo build --locked --release --bin entra-sim
	cargo bench --locked --package gateway --bench ratios --bench neighbours --bench costly

fuzz: ## Feed random input to the parsers, FUZZ_SECONDS for each target
	@deploy/setup.sh $(TO_BUILD)
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	@# RUSTC_BOOTSTRAP: libFuzzer's instrumentation is there in a stable compiler, but must be asked for.
	cd crates/scim && for target in $$(cargo fuzz list); do \
	    mkdir -p fuzz/corpus/$$target && \
	    number=0 && while read -r line; do \
	        number=$$((number + 1)); echo "$$line" | base64 -d >fuzz/corpus/$$target/found-$$number; \
	    done <fuzz/found/$$target.txt && \
	    RUSTC_BOOTSTRAP=1 cargo fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
	        -max_total_time=$(FUZZ_SECONDS) -max_len=65536 || exit 1; \
	done

release: ## Build target/release/juno and target/release/entra-sim
	@deploy/setup.sh $(TO_BUILD)
	cargo build --locked --release --bin juno --bin entra-sim

clean: ## Remove what was built, and the data of `make run`
	cargo clean
	rm -rf data
