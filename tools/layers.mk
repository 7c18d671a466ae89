# Rules that turn each directory of the tree into one archive, and link programs and tests from them.
# A test of a layer links that layer and those below it, so a layer can be built and tested alone.

SRC_DIR  = $(if $(filter api,$(1)),api,src/$(1))
LAYER_C  = $(wildcard $(call SRC_DIR,$(1))/*.c)
LAYER_O  = $(patsubst %.c,$(B)/obj/%.o,$(call LAYER_C,$(1)))
ALL      := $(LAYERS) api server ctl

# archives in link order: upper layers first
LIB_ORDER := ctl server api service auth vault feed index ledger model store domain crypto base
libs_below = $(foreach l,$(LIB_ORDER),$(if $(filter $(l),$(1)),$(if $(call LAYER_C,$(l)),$(B)/lib/$(l).a)))

BELOW.base    := base
BELOW.crypto  := crypto base
BELOW.domain  := domain base
BELOW.store   := store crypto domain base
BELOW.model   := model store domain crypto base
BELOW.ledger  := ledger model store domain crypto base
BELOW.index   := index model store domain crypto base
BELOW.feed    := feed model store domain crypto base
BELOW.vault   := vault model store domain crypto base
BELOW.auth    := auth feed ledger model store domain crypto base
BELOW.service := service auth vault feed index ledger model store domain crypto base
BELOW.api     := api $(BELOW.service)
BELOW.server  := server $(BELOW.api)
BELOW.ctl     := ctl server $(BELOW.api)

# schemas, small data files and the built console, embedded as C arrays
EMBED := $(sort $(wildcard schema/*.json)) $(wildcard data/*.csv) $(wildcard openapi.yaml) \
         $(sort $(wildcard web/dist/*.* web/dist/assets/*.*))
$(B)/gen/embedded.inc: $(EMBED) tools/embed.sh
	@mkdir -p $(@D)
	@tools/embed.sh $(EMBED) > $@.tmp && mv $@.tmp $@

$(B)/obj/src/model/embedded.o: $(B)/gen/embedded.inc

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

define ARCHIVE
$(B)/lib/$(1).a: $(call LAYER_O,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach l,$(ALL),$(eval $(call ARCHIVE,$(l))))

# the client library, for others to link (make client) and for our own remote verbs; position-independent for the shared one
CLIENT_C := $(wildcard clients/c/*.c)
CLIENT_O := $(patsubst %.c,$(B)/obj/%.o,$(CLIENT_C))
$(CLIENT_O): HARDEN += -fPIC
$(B)/lib/libmenedek.a: $(CLIENT_O)
	@mkdir -p $(@D)
	@rm -f $@
	@ar rcs $@ $^
$(B)/lib/libmenedek.so.1: $(CLIENT_O)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) -shared -Wl,-soname,libmenedek.so.1 -Wl,-z,relro,-z,now -Wl,-z,defs $(filter -fsanitize=%,$(CFLAGS.$(V))) $^ -lcjson -lssl -lcrypto -o $@

# wiping_free by name: what comes from an archive is hidden, and the libraries would not find it
$(B)/menedek: $(B)/obj/src/base/wiping_free.o $(call libs_below,$(BELOW.ctl)) $(B)/lib/libmenedek.a
	@echo "  LINK $@"
	@$(CC) $(LDFLAGS) -Wl,-u,main $^ $(LIBS) -o $@

# unit tests: tests/unit/LAYER/test_x.c
UNIT_C     := $(wildcard tests/unit/*/test_*.c)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_C))

# the coverage build's program opens its file for the counts while it still may
ifeq ($(V),cov)
$(B)/menedek: | $(B)/obj/tests/coverage/early_profile.o
$(UNIT_C:tests/unit/%.c=$(B)/unit/%): | $(B)/obj/tests/coverage/early_profile.o
endif

define UNIT_RULE
$(B)/unit/$(1)/%: tests/unit/$(1)/%.c $(call libs_below,$(BELOW.$(1))) $(wildcard tests/unit/$(1)/*.h)
	@mkdir -p $$(@D)
	@echo "  TEST $$@"
	@$(CC) $(CPPFLAGS) -Itests/unit/$(1) $(filter-out -Wmissing-prototypes -Wpedantic,$(CFLAGS)) $$< $$(filter %.a,$$^) $(LDFLAGS) $(LIBS) -lcriterion -o $$@
endef
$(foreach l,$(ALL),$(eval $(call UNIT_RULE,$(l))))

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# programs that only make sense under ThreadSanitizer (make V=tsan): tests/races/LAYER_x.c links what that layer links
define RACE_RULE
$(B)/races/$(1)_%: tests/races/$(1)_%.c $(call libs_below,$(BELOW.$(1))) $(wildcard tests/unit/$(1)/*.h)
	@mkdir -p $$(@D)
	@echo "  RACE $$@"
	@$(CC) $(CPPFLAGS) -Itests/unit/$(1) $(filter-out -Wmissing-prototypes -Wpedantic,$(CFLAGS)) $$< $$(filter %.a,$$^) $(LDFLAGS) $(LIBS) -o $$@
endef
$(foreach l,$(ALL),$(eval $(call RACE_RULE,$(l))))

# fuzzers (make fuzz, make fuzz-afl): V=fuzz CC=clang, or V=afl CC=afl-clang-fast, instruments every layer that a target reaches
BELOW.fuzz := server $(BELOW.api)
$(B)/fuzz_backup: src/ctl/restore.c
$(B)/fuzz_answer: clients/c/wire_http.c
$(B)/fuzz_%: tests/fuzz/fuzz_%.c $(call libs_below,$(BELOW.fuzz)) $(wildcard tests/fuzz/*.h)
	@mkdir -p $(@D)
	@echo "  FUZZ $@"
	@$(CC) $(CPPFLAGS) -Itests/fuzz $(subst fuzzer-no-link,fuzzer,$(CFLAGS)) $(if $(filter afl,$(V)),-fsanitize=fuzzer) -Wno-missing-prototypes $(filter %.c,$^) $(filter %.a,$^) $(LIBS) -o $@

# programs of tests/torture that walk the domain alone
$(B)/torture/%: tests/torture/%.c $(call libs_below,$(BELOW.domain))
	@mkdir -p $(@D)
	@echo "  WALK $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $< $(filter %.a,$^) $(LDFLAGS) -o $@
