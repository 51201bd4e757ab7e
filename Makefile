# The entry points people type; meson, ninja and the scripts of tools/ do the work.
BUILD   ?= build
RELEASE ?= build-release
PREFIX  ?= /usr/local
# DEPS=no: do not look for missing packages
DEPS    ?= yes

# On a system that tools/deps does not know (exit 3) it has printed the list: go on, meson will say.
deps = if [ "$(strip $(DEPS))" = yes ]; then tools/deps $(1) || [ $$? -eq 3 ]; fi

.DEFAULT_GOAL := all

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

.PHONY: all
all:  ## install what is missing to build (asks), then the daily build: ASan, UBSan, in build/
	@$(call deps,build)
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) -Db_sanitize=address,undefined
	@ninja -C $(BUILD)

.PHONY: release
release:  ## the hardened build, in build-release/
	@$(call deps,build)
	@[ -f $(RELEASE)/build.ninja ] || meson setup $(RELEASE) --buildtype=release -Db_lto=true -Dtests=disabled --prefix=$(PREFIX)
	@ninja -C $(RELEASE)

.PHONY: demo
demo:  ## a zone gains a second signer and loses its first, in a laboratory on this machine
	@$(call deps,all)
	@$(MAKE) --no-print-directory release DEPS=no
	@MUSIC_BUILD=$(abspath $(RELEASE)) lab/demo

.PHONY: check
check:  ## everything once, quickly: lint, unit, fuzz, laboratories (under 30 minutes)
	@$(call deps,all)
	@tools/check

.PHONY: check-long
check-long:  ## everything, at length
	@$(call deps,all)
	@tools/check --long

.PHONY: sim
sim:  ## whole worlds on a virtual clock: HISTORIES=N SEED=S BREAK=rule, REPLAY=seed tells one (docs/simulator.md)
	@$(call deps,build)
	@$(call deps,test)
	@[ -f build-sim/build.ninja ] || meson setup build-sim --buildtype=release >/dev/null
	@ninja -C build-sim --quiet tests/sim/sim tests/sim/sim_cut
	@build-sim/tests/sim/sim$(if $(BREAK),_cut --break $(BREAK)) $(if $(REPLAY),--replay $(REPLAY),--histories $(or $(HISTORIES),10000) --seed $(or $(SEED),1))

.PHONY: model
model:  ## the tables of the processes searched state by state with spin: LONG=1 with more signers (docs/model.md)
	@$(call deps,build)
	@$(call deps,test)
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) -Db_sanitize=address,undefined -Dwerror=true >/dev/null
	@ninja -C $(BUILD) --quiet tests/model/export
	@tests/model/run --export $(BUILD)/tests/model/export $(if $(LONG),--long)

.PHONY: lint
lint:  ## format, include directions, banned functions, manual pages, scripts
	@$(call deps,build)
	@$(call deps,test)
	@tools/check build lint

.PHONY: format
format:  ## clang-format where it does no harm
	@tools/format

.PHONY: bench
bench: release  ## benchmarks, each against a named peer or limit (ONLY=name)
	@MUSIC_BUILD=$(abspath $(RELEASE)) bench/run $(ONLY)

.PHONY: install
install: release  ## into PREFIX (/usr/local), below DESTDIR, and what musicd needs to run
	@$(call deps,run)
	@meson configure $(RELEASE) --prefix=$(PREFIX) >/dev/null
	@DESTDIR=$(DESTDIR) meson install -C $(RELEASE) --quiet

.PHONY: debian13
debian13:  ## build and unit tests on a bare Debian 13 in a folder of its own (root, debootstrap)
	@tools/debian-check trixie

.PHONY: clean
clean:  ## remove the build folders
	rm -rf build build-release build-clang build-fuzz build-plain build-speed build-sim build-cut build-cov
