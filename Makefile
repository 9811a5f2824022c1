# SPDX-License-Identifier: Apache-2.0
# Shortcuts over meson: `make help` lists them.

BUILD ?= build
PREFIX ?= /usr/local
# By clang, with sanitizers, for tests and fuzzers.
SANITIZED = $(BUILD)-sanitized

.PHONY: help deps build docs demo demo-stop test test-unit test-e2e test-debian-12 test-debian-13 torture apps install uninstall bench bench-api bench-logs bench-services bench-builds bench-latency bench-router sanitized asan check-style format fuzz fuzz-api clean

help:
	@echo "make demo         install what is needed, build, start, push an example app, print its URL"
	@echo "make demo-stop    end the demo and remove all of it"
	@echo "make test         unit, kernel and end-to-end tests"
	@echo "make test-debian-13  build, unit and kernel tests, and an app that answers, in a root of Debian 13 (or 12)"
	@echo "make torture      the attacks and loads that take long"
	@echo "make apps         push 80 apps that we did not write; APPS=\"go-* django\" takes a part"
	@echo "make build        build into $(BUILD)/"
	@echo "make install      install below $(PREFIX), with systemd units"
	@echo "make uninstall    end it and remove that again; apps and settings stay, unless PURGE=1"
	@echo "make docs         what is written from tables: docs/api.md, docs/openapi.json, man/twelve.1, completions"
	@echo "make bench        measure, beside the peers that are installed; writes bench/results.md"
	@echo "make bench-api    the API beside the heroku command; writes bench/results-api.md"
	@echo "make bench-logs   the same for the log path; writes bench/results-logs.md"
	@echo "make bench-services  the same for add-ons; writes bench/results-services.md"
	@echo "make bench-builds  builds beside docker build; writes bench/results-builds.md"
	@echo "make bench-latency  the API while slow things happen; writes its part of bench/results.md"
	@echo "make bench-router  a request through the router beside bare HAProxy; writes its part of bench/results.md"
	@echo "make asan         the unit and kernel tests under AddressSanitizer and UBSan"
	@echo "make check-style  gcc's analyzer, sizes, folder order, layout"
	@echo "make format       lay the C code out, by clang-format"
	@echo "make fuzz-api     odd requests to the API under the sanitizers, five minutes (TWELVE_FUZZ_SECONDS)"
	@echo "make fuzz         each fuzz target for a minute (FUZZ_SECONDS)"

deps:
	@scripts/install-deps build run

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix $(PREFIX) --buildtype debugoptimized >/dev/null
	@scripts/build $(BUILD)

# Written from the tables of endpoints and of commands; unit tests compare them.
docs: build
	@$(BUILD)/src/daemon/twelved --print-api markdown >docs/api.md
	@$(BUILD)/src/daemon/twelved --print-api openapi >docs/openapi.json
	@$(BUILD)/src/cli/twelve manual >$(BUILD)/commands.mdoc
	@sed -i -e '/^\.Sh COMMANDS$$/,/^\.Sh ENVIRONMENT$$/{//!d}' -e '/^\.Sh COMMANDS$$/r $(BUILD)/commands.mdoc' man/twelve.1
	@$(BUILD)/src/cli/twelve completion bash >completions/twelve.bash
	@$(BUILD)/src/cli/twelve completion zsh >completions/_twelve
	@$(BUILD)/src/cli/twelve completion fish >completions/twelve.fish

demo: build
	@BUILD=$(BUILD) scripts/demo start

demo-stop:
	@scripts/demo stop

test: build
	@scripts/install-deps test
	@BUILD=$(BUILD) scripts/run-tests unit e2e

test-unit: build
	@BUILD=$(BUILD) scripts/run-tests unit

test-e2e: build
	@scripts/install-deps test
	@BUILD=$(BUILD) scripts/run-tests e2e

test-debian-12 test-debian-13:
	@scripts/on-debian $(@:test-debian-%=%)

torture: build
	@scripts/install-deps test
	@BUILD=$(BUILD) scripts/run-tests torture

apps: build
	@scripts/install-deps test apps
	@TWELVE_BUILD_ROOT=$(abspath $(BUILD)) /usr/bin/python3 tests/apps/run.py

install: build
	meson install -C $(BUILD) --no-rebuild
	@DESTDIR="$(DESTDIR)" scripts/post-install

uninstall:
	@BUILD=$(BUILD) DESTDIR="$(DESTDIR)" PURGE="$(PURGE)" scripts/uninstall

bench: build
	@scripts/install-deps test
	@BUILD=$(BUILD) bench/run

bench-api: build
	@scripts/install-deps test
	@BUILD=$(BUILD) bench/api

bench-logs: build
	@TWELVE_BUILD_ROOT=$(abspath $(BUILD)) bench/logs

bench-services: build
	@scripts/install-deps test
	@BUILD=$(BUILD) bench/services

bench-builds: build
	@scripts/install-deps test apps
	@BUILD=$(BUILD) bench/builds

bench-latency: build
	@scripts/install-deps test
	@BUILD=$(BUILD) bench/latency

bench-router: build
	@BUILD=$(BUILD) bench/router

sanitized:
	@scripts/install-deps build run style
	@test -f $(SANITIZED)/build.ninja || CC=clang meson setup $(SANITIZED) -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug >/dev/null
	@scripts/build $(SANITIZED)

asan: sanitized
	@BUILD=$(SANITIZED) scripts/run-tests unit

check-style: build
	@scripts/install-deps style
	@BUILD=$(BUILD) scripts/check-style

format:
	@scripts/install-deps style
	@git ls-files '*.c' '*.h' | xargs clang-format -i

fuzz: sanitized
	@BUILD=$(SANITIZED) scripts/fuzz

# The programs under the sanitizers; TWELVE_FUZZ_SEED makes another run of it.
fuzz-api: sanitized
	@scripts/install-deps test
	@TWELVE_FUZZ_SECONDS=$${TWELVE_FUZZ_SECONDS:-300} TWELVE_BUILD_ROOT=$(abspath $(SANITIZED)) \
		/usr/bin/python3 -m pytest -p no:cacheprovider -q -s tests/e2e/test_api_fuzz.py

clean:
	rm -rf $(BUILD) $(SANITIZED) $(BUILD)-analyzer
