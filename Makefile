# leuko: `make` prints what there is to do.
BUILD ?= build$(if $(EMULATE),/emulate)$(if $(SANITIZE),/sanitize)
PREFIX ?= /usr/local
CC ?= gcc
# What demo and test compile at once.
JOBS ?= $(shell nproc)
# The model in the box, and the one beside it that answers with it.
MODEL ?= models/leuko.safetensors
SECOND_MODEL := $(wildcard $(dir $(MODEL))leuko-cnn.safetensors)
SHARED := $(wildcard ../shared)
# Real cells where they are at hand; the program itself knows of no such folder.
export LEUKO_DATA ?= $(wildcard ../shared/data/cnmc)
export LEUKO_SHARED ?= $(if $(SHARED),$(abspath $(SHARED)))
export LEUKO_WEIGHTS ?= $(wildcard $(abspath ../shared/weights))

PACKAGES := gcc make pkg-config libdnnl-dev libleptonica-dev libjpeg62-turbo-dev libpng-dev libjansson-dev \
  libssl-dev libcurl4-openssl-dev ca-certificates libzip-dev gnuplot-nox libcmocka-dev perl
LONG_PACKAGES := valgrind
FUZZ_PACKAGES := clang libclang-rt-14-dev
FUZZ_SECONDS ?= 600
LINT_PACKAGES := clang clang-format clang-tidy cppcheck libomp-dev git
VERSION := $(shell sed -n 's/^\#define LEUKO_VERSION "\(.*\)"/\1/p' include/leuko.h)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Isrc
CFLAGS ?= $(if $(EMULATE),-O1,-O3) -g
# Nobody asks errno or the floating-point flags what a sqrtf or a comparison did; loops that contain
# them become vectors only where that is said.
CFLAGS_ALL := -std=c17 $(WARN) -fPIC -fvisibility=hidden -fopenmp -fno-math-errno -fno-trapping-math \
  $(CFLAGS)
LIBS := -ldnnl -llept -ljpeg -lpng -ljansson -lcrypto -lcurl -lzip -lm -lpthread
LDFLAGS_ALL := -fopenmp $(LDFLAGS)
# `CC file` and the like instead of the commands, unless V=1.
say = $(if $(V),,@printf '  %-3s %s\n' $(1) $(or $(2),$@);)
ifdef SANITIZE
CFLAGS_ALL += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS_ALL += -fsanitize=address,undefined
# Vectors in plain C are long code, which gcc would compile for ten minutes with the sanitizers.
GENERIC_FLAGS := -O1 -fno-var-tracking
endif

# Kernels for AVX-512 on a processor without it.
ifdef EMULATE
CPPFLAGS += -Itools/emulate '-D__builtin_cpu_supports(feature)=1' -DNET_CPU_EMULATED
CFLAGS_ALL += -march=native -ffp-contract=off -Wno-psabi
endif

LIB_SRC := $(sort $(wildcard src/base/*.c src/stats/*.c src/image/*.c src/dataset/*.c src/audit/*.c src/net/*.c \
  src/net/*/*.c src/zoo/*.c src/model/*.c src/weights/*.c src/train/*.c src/predict/*.c \
  src/evaluate/*.c src/explain/*.c src/report/*.c))
# Compiled once for each level of instructions: src/net/vector.h.
KERNEL_SRC := src/net/product.c src/net/product_bytes.c src/net/product_words.c \
  src/net/product_words_windows.c src/net/outer.c src/net/winograd/transform.c \
  $(sort $(wildcard src/net/infer/*.c)) $(addprefix src/net/learn/,add.c backend.c first.c flat.c gradient.c rows.c tiles.c winograd.c) \
  src/net/dense/backend.c
CLI_SRC := $(sort $(wildcard src/cli/*.c))
TEST_SRC := $(sort $(wildcard tests/test_*.c))
BENCH_SRC := $(sort $(wildcard bench/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) \
  $(KERNEL_SRC:%.c=$(BUILD)/obj/%.avx2.o) $(KERNEL_SRC:%.c=$(BUILD)/obj/%.generic.o)
CLI_OBJ := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)
TESTS := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
BENCHES := $(BENCH_SRC:bench/%.c=$(BUILD)/bench/%)

.DEFAULT_GOAL := help
.PHONY: help deps lint-deps build demo reproduce test check-long lint fuzz format install uninstall clean bench
.DELETE_ON_ERROR:
.SECONDARY:

help:
	@echo 'leuko $(VERSION): leukemic blasts (ALL) or healthy cells (HEM)'
	@echo
	@echo '  make demo        set up, build, run the experiment on some cells: report, figures, answers'
	@echo '  make test        set up, build, run the tests'
	@echo '  make build       the program $(BUILD)/leuko and the library'
	@echo '  make deps        install the Debian packages that leuko is built from'
	@echo '  make check-long  the slow tests: kills and resumes, valgrind'
	@echo '  make reproduce   the whole experiment: three networks, 35 epochs, both splits'
	@echo '  make lint        static analysis, format, direction of includes'
	@echo '  make fuzz        fuzz the readers of weight files, FUZZ_SECONDS=600 for each format'
	@echo '  make format      format the sources'
	@echo '  make install     into PREFIX=$(PREFIX) (DESTDIR is honoured); also uninstall'
	@echo '  make clean'
	@echo
	@echo '  SANITIZE=1       build with address and undefined-behaviour sanitizers'
	@echo '  EMULATE=1        build with AVX-512 emulated: tests its kernels where the processor lacks it'
	@echo '  V=1              print the whole commands'
	@echo '  LEUKO_DATA=DIR   the C-NMC 2019 data for demo and reproduce$(if $(LEUKO_DATA), (now $(LEUKO_DATA)))'

deps:
	@sh tools/deps.sh $(PACKAGES)

lint-deps:
	@sh tools/deps.sh $(LINT_PACKAGES)

build: $(BUILD)/leuko $(BUILD)/libleuko.a $(BUILD)/libleuko.so

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(BUILD)/obj/%.avx2.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<:avx2) $(CC) $(filter-out -Itools/emulate,$(CPPFLAGS)) $(CFLAGS_ALL) -DVECTOR_AVX2 -MMD -MP -c $< -o $@

$(BUILD)/obj/%.generic.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<:generic) $(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(GENERIC_FLAGS) -DVECTOR_GENERIC -MMD -MP -c $< -o $@

# gcc 12's vectors of a loop whose rows lie apart read of the row behind the last (valgrind, in
# tests/long_valgrind.t); those that are written out remain.
ifeq ($(findstring clang,$(CC)),)
$(BUILD)/obj/src/net/outer.generic.o: GENERIC_FLAGS += -fno-tree-loop-vectorize
endif

$(BUILD)/leuko: $(CLI_OBJ) $(LIB_OBJ)
	$(call say,LD) $(CC) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

# One relocatable object whose other symbols are made local: the archive, too, exports leuko_* only.
$(BUILD)/libleuko.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR) $(LD) -r -d $^ -o $(BUILD)/libleuko.o && \
	  objcopy --wildcard --keep-global-symbol='leuko_*' $(BUILD)/libleuko.o && \
	  $(AR) rcs $@ $(BUILD)/libleuko.o

$(BUILD)/libleuko.so: $(LIB_OBJ) tools/exports.map
	$(call say,LD) $(CC) -shared -Wl,-soname,libleuko.so.0 -Wl,--version-script=tools/exports.map \
	  $(LDFLAGS_ALL) $(LIB_OBJ) $(LIBS) -o $@

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS_ALL) $^ $(LIBS) -lssl -lcmocka -o $@

$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

bench: build $(BENCHES)

demo: deps
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@LEUKO=$(BUILD)/leuko sh tools/demo.sh

reproduce: build
	@LEUKO=$(BUILD)/leuko sh tools/reproduce.sh

test: deps
	@$(MAKE) --no-print-directory -j$(JOBS) build $(TESTS)
	@BUILD=$(BUILD) sh tools/test.sh $(TESTS) $(sort $(wildcard tests/cli_*.t))

check-long:
	@sh tools/deps.sh $(LONG_PACKAGES)
	@$(MAKE) --no-print-directory -j$(JOBS) build $(TESTS)
	@BUILD=$(BUILD) sh tools/test.sh $(sort $(wildcard tests/long_*.t))

lint: lint-deps
	@KERNELS='$(KERNEL_SRC)' sh tools/lint.sh $(LIB_SRC) $(CLI_SRC)

fuzz: deps
	@sh tools/deps.sh $(FUZZ_PACKAGES)
	@BUILD=$(BUILD) sh tests/fuzz/run.sh $(FUZZ_SECONDS)

format:
	clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 755 $(BUILD)/leuko $(DESTDIR)$(PREFIX)/bin/leuko
	install -m 644 include/leuko.h $(DESTDIR)$(PREFIX)/include/leuko.h
	install -m 644 $(BUILD)/libleuko.a $(DESTDIR)$(PREFIX)/lib/libleuko.a
	install -m 755 $(BUILD)/libleuko.so $(DESTDIR)$(PREFIX)/lib/libleuko.so.0
	ln -sf libleuko.so.0 $(DESTDIR)$(PREFIX)/lib/libleuko.so
	[ ! -e $(MODEL) ] || install -D -m 644 $(MODEL) $(DESTDIR)$(PREFIX)/share/leuko/leuko.safetensors
	[ -z "$(SECOND_MODEL)" ] || install -m 644 $(SECOND_MODEL) $(DESTDIR)$(PREFIX)/share/leuko
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIBS) -lgomp|' \
	  tools/leuko.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/leuko.pc

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/leuko include/leuko.h lib/libleuko.a lib/libleuko.so \
	  lib/libleuko.so.0 lib/pkgconfig/leuko.pc share/leuko/leuko.safetensors \
	  share/leuko/leuko-cnn.safetensors)

clean:
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(TEST_SRC:%.c=$(BUILD)/obj/%.d) $(BENCH_SRC:%.c=$(BUILD)/obj/%.d)
