# Menedék - the confidential shelter-bed registry.  `make help` lists the verbs.
# Variants build side by side: V=release (default), V=asan (ASan + UBSan), V=tsan; CC=clang works for each.

V      ?= release
B      := build/$(V)
ifeq ($(origin CC),default)
CC     := gcc
endif
LAYERS := base crypto domain store model ledger index feed vault auth service

CPPFLAGS := -D_GNU_SOURCE -Isrc -Iapi -I$(B)/gen -isystem /usr/include/p11-kit-1
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wswitch-enum -Wstrict-prototypes \
            -Wmissing-prototypes -Wcast-qual -Wvla -Wundef -Werror
# hidden: libjwt brings jansson, whose json_string() would otherwise be answered by ours
HARDEN   := -fvisibility=hidden -fstack-protector-strong -fstack-clash-protection -fPIE
CFLAGS.release := -O2 -g -D_FORTIFY_SOURCE=2
CFLAGS.asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DMENEDEK_DEBUG
CFLAGS.tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer -DMENEDEK_DEBUG
CFLAGS   := -std=c17 $(WARN) $(HARDEN) $(CFLAGS.$(V)) $(EXTRA_CFLAGS)
# our names stay ours: libjwt brings jansson, which has a json_string too, and would call ours
LDFLAGS  := -pie -Wl,-z,relro,-z,now -Wl,--exclude-libs,ALL $(filter -fsanitize=%,$(CFLAGS.$(V)))
LIBS     := -lmicrohttpd -lgnutls -ljwt -lcjson -llmdb -lssl -lcrypto -lp11-kit -loath -lseccomp -lpthread

include tools/layers.mk

.PHONY: all deps run test test-confidential console test-console smoke lint format clean help certs unit api-test sanitizers races
.DEFAULT_GOAL := all

all: deps ## build the service
	@$(MAKE) --no-print-directory $(B)/menedek

deps: ; @tools/deps.sh build
test-deps: ; @tools/deps.sh test
.PHONY: test-deps

run: all ## build, make development certificates, load the sample network, serve on https://127.0.0.1:8443
	@tools/run.sh $(B)/menedek

smoke: all ## the main job of every role by curl over mTLS, in under a minute
	@tests/smoke.sh $(B)/menedek

test: test-deps ## everything, from scratch; ends with "N passed, N failed"
	@tests/run.sh

test-confidential: test-deps ## what keeps a location secret, attacked; ends with "N passed, 0 failed"
	@tests/run.sh confidential

console: ## build web/dist, the console that the binary carries (npm from a lock file)
	@tools/console.sh

test-console: all test-deps ## the console in real Chromium over mTLS; ends with "N passed, 0 failed"
	@tests/run.sh console

unit: test-deps $(UNIT_TESTS) ## the Criterion tests of this variant
	@tests/unit.sh $(UNIT_TESTS)

lint: test-deps ## format, layers, clang-tidy, cppcheck, gcc -fanalyzer: silent when clean
	@tools/lint.sh

format: test-deps ## lay out the C as .clang-format says
	@clang-format -i $$(git ls-files '*.c' '*.h')

# libFuzzer on each parser of tests/fuzz, for FUZZ seconds; what it finds is added to the tests by hand
FUZZ ?= 60
fuzz: ## fuzz the parsers between processes (clang)
	@for f in tests/fuzz/fuzz_*.c; do $(MAKE) --no-print-directory CC=clang B=build/fuzz build/fuzz/$$(basename $$f .c) && \
		build/fuzz/$$(basename $$f .c) -max_total_time=$(FUZZ) -max_len=2048 -print_final_stats=1 || exit 1; done
.PHONY: fuzz

clean: ## remove what was built; keeps certs/dev
	rm -rf build

help:
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
