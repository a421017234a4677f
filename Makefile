# Build of weft. `make help` lists the targets.
#
# Sources are found by folder: a new .c file needs no line here. Each variant
# (release, asan, tsan, cov) is built in a folder of its own below build/; the
# release's results are build/weft, build/libweft.a, build/libweft.so and
# build/weft-bench.

VARIANT ?= release
VERSION := 0.1.0
SOVERSION := 0
PREFIX ?= /usr/local
DESTDIR ?=
CC = gcc
JOBS ?= $(shell nproc)
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)

OBJ := build/$(VARIANT)
OUT := $(if $(filter release,$(VARIANT)),build,$(OBJ))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wpointer-arith -Wwrite-strings
CFLAGS_release := -O2 -g
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_tsan := -O1 -g -fsanitize=thread
CFLAGS_cov := -O0 -g --coverage
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_cov := --coverage

# Thread-locals are read on every switch: initial-exec keeps that one instruction.
CFLAGS_ALL = -std=gnu17 -D_GNU_SOURCE -DWEFT_VERSION='"$(VERSION)"' $(WARN) -pthread -fPIC \
	-fvisibility=hidden -ftls-model=initial-exec -fno-omit-frame-pointer \
	$(CFLAGS_$(VARIANT)) $(CFLAGS)
LDFLAGS_ALL = -pthread $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

# ---- What is made of what --------------------------------------------------

LIB_DIRS := src/base src/fiber src/fiber/driver src/sync src/thread src/process src/io src/http
LIB_SRC := $(wildcard $(LIB_DIRS:%=%/*.c)) $(wildcard src/fiber/switch_$(ARCH).S)
LIB_OBJ := $(LIB_SRC:%=$(OBJ)/%.o)
CMD_OBJ := $(patsubst %,$(OBJ)/%.o,$(wildcard src/cmd/*.c))
BENCH_OBJ := $(patsubst %,$(OBJ)/%.o,$(wildcard bench/*.c))
LIMIT_BIN := $(patsubst bench/limit/%.c,$(OUT)/limit/%,$(wildcard bench/limit/*.c))
TEST_SRC := $(wildcard tests/*/test_*.c)
TEST_BIN := $(TEST_SRC:tests/%.c=$(OBJ)/tests/%)
FUZZ_SRC := $(wildcard fuzz/fuzz_*.c)
FUZZ_REPLAY := $(FUZZ_SRC:fuzz/%.c=$(OBJ)/fuzz/%)

.PHONY: all setup run check test-binaries bench fuzz lint format install clean help
.SUFFIXES:
.SECONDARY:

all: $(OUT)/weft $(OUT)/libweft.a $(OUT)/libweft.so $(OUT)/weft-bench $(LIMIT_BIN) ## Build the release into build/

# src/ is on the include path of the library and its tests only: the command
# and the benchmarks see include/weft/, as any user does.
$(OBJ)/src/cmd/%.o $(OBJ)/bench/%.o: INCLUDES := -Iinclude
$(OBJ)/%.o: INCLUDES := -Iinclude -Isrc

$(OBJ)/src/cmd/%.c.o: src/cmd/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Iinclude -MMD -MP -c $< -o $@

$(OBJ)/bench/%.c.o: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Iinclude -MMD -MP -c $< -o $@

$(OBJ)/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Iinclude -Isrc -Itests -MMD -MP -c $< -o $@

$(OBJ)/%.S.o: %.S
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Iinclude -Isrc -MMD -MP -c $< -o $@

$(OUT)/libweft.a: $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(OUT)/libweft.so: $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-soname,libweft.so.$(SOVERSION) $(LDFLAGS_ALL) $^ -o $@
	ln -sf libweft.so $@.$(SOVERSION)

$(OUT)/weft: $(CMD_OBJ) $(OUT)/libweft.a
	$(CC) $(LDFLAGS_ALL) $^ -o $@

$(OUT)/weft-bench: $(BENCH_OBJ) $(OUT)/libweft.a
	$(CC) $(LDFLAGS_ALL) $^ -o $@

# The yardsticks stand alone: no weft in them.
$(OUT)/limit/%: bench/limit/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O2 -g -pthread $< -o $@

$(OBJ)/tests/%: $(OBJ)/tests/%.c.o $(OUT)/libweft.a
	$(CC) $(LDFLAGS_ALL) $^ -o $@

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# ---- What people type ------------------------------------------------------

setup: ## Install what the build and the tests need (only what is missing)
	@tools/bootstrap

run: ## Build, then serve the folder DIR (default: this one) until Ctrl-C
	@tools/bootstrap run
	@$(MAKE) --no-print-directory -s -j$(JOBS) build/weft
	@exec build/weft serve $(or $(DIR),.) $(ARGS)

test-binaries: $(TEST_BIN)

check: ## Run all tests: release, ASan + UBSan, TSan
	@tools/bootstrap check
	@tools/check

bench: ## Measure against the yardsticks, print the table (ONLY=name for one)
	@tools/bootstrap bench
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@build/weft-bench $(if $(ONLY),--only $(ONLY))

lint: ## clang-tidy, cppcheck and tools/tidy
	@tools/bootstrap lint
	@tools/lint

format: ## Format every C file with clang-format
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## Remove build/
	rm -rf build

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
