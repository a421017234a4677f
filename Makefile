# Build of weft. `make help` lists the targets.
#
# Sources are found by folder: a new .c file needs no line here. Each variant
# (release, asan, tsan, aarch64, clang, fuzz, cov) is built in a folder of its own
# below build/; the release's results are build/weft, build/libweft.a,
# build/libweft.so and build/weft-bench. V=1 shows the commands.

VARIANT ?= release
# The one place that says which version this is: semver.org.
VERSION := $(shell cat VERSION)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))
JOBS ?= $(shell nproc)

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DESTDIR ?=

OBJ := build/$(VARIANT)
OUT := $(if $(filter release,$(VARIANT)),build,$(OBJ))

# ---- Compilers and flags ---------------------------------------------------

# Some variants are a compiler's own; else CC is the user's, and gcc by default.
COMPILER_aarch64 := aarch64-linux-gnu-gcc
COMPILER_clang := clang
COMPILER_fuzz := clang
ifneq ($(COMPILER_$(VARIANT)),)
override CC := $(COMPILER_$(VARIANT))
else ifeq ($(origin CC),default)
CC := gcc
endif

# Which context switch to assemble. Cross-compiling: say ARCH=aarch64.
ARCH := $(if $(filter aarch64,$(VARIANT)),aarch64,$(shell uname -m))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wpointer-arith
CFLAGS_release := -O2 -g
CFLAGS_aarch64 := -O2 -g
# Their reports name functions and lines, and need no more than that.
CFLAGS_asan := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
# ThreadSanitizer does not know fences; where one is used, the data beside it is atomic.
CFLAGS_tsan := -O1 -g1 -fsanitize=thread -Wno-tsan
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
CFLAGS_cov := -O0 -g --coverage
# What is tested is built as it is shipped; the tests themselves need not be quick.
CFLAGS_TESTS_release := -O1 -g1
CFLAGS_TESTS_aarch64 := -O1 -g1
LDFLAGS_aarch64 := -static
# Its runtime within the program: src/fiber/fork.c holds its locks over a fork.
LDFLAGS_asan := -fsanitize=address,undefined -static-libasan
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined
LDFLAGS_cov := --coverage

# Optional: io_uring, where a program can be linked with liburing (WEFT_URING= turns it off).
ifeq ($(origin WEFT_URING),undefined)
WEFT_URING := $(shell echo 'int main(void) { return 0; }' | \
	$(CC) -include liburing.h -x c - -luring -o /dev/null 2>/dev/null && echo yes)
endif
ifneq ($(WEFT_URING),)
OPTION_FLAGS += -DWEFT_HAS_URING
OPTION_LIBS += -luring
endif

# Optional: compressing files for browsers (src/http/compress.c) and WebSocket messages, each
# coding by its library. Like OpenSSL, they are not there for another architecture's tests.
has_library = $(if $(filter aarch64,$(VARIANT)),,$(shell echo 'int main(void) { return 0; }' | \
	$(CC) -include $(1) -x c - $(2) -o /dev/null 2>/dev/null && echo yes))
ifeq ($(origin WEFT_ZLIB),undefined)
WEFT_ZLIB := $(call has_library,zlib.h,-lz)
endif
ifeq ($(origin WEFT_BROTLI),undefined)
WEFT_BROTLI := $(call has_library,brotli/encode.h,-lbrotlienc)
endif
ifneq ($(WEFT_ZLIB),)
OPTION_FLAGS += -DWEFT_HAS_ZLIB
OPTION_LIBS += -lz
endif
ifneq ($(WEFT_BROTLI),)
OPTION_FLAGS += -DWEFT_HAS_BROTLI
OPTION_LIBS += -lbrotlienc -lbrotlicommon
endif

# Optional: WebSocket (src/http/ws_frames.c).
ifeq ($(origin WEFT_WSLAY),undefined)
WEFT_WSLAY := $(call has_library,wslay/wslay.h,-lwslay)
endif
ifneq ($(WEFT_WSLAY),)
OPTION_FLAGS += -DWEFT_HAS_WSLAY
OPTION_LIBS += -lwslay
endif

# Optional: editing of what is typed into `weft ftp` (src/cmd/ftp_edit.c); for the command only.
ifeq ($(origin WEFT_LIBEDIT),undefined)
WEFT_LIBEDIT := $(call has_library,histedit.h,-ledit)
endif
ifneq ($(WEFT_LIBEDIT),)
OPTION_FLAGS += -DWEFT_HAS_LIBEDIT
endif

# Optional: the screen of `weft chat` (src/cmd/chat_screen.c); for the command only.
ifeq ($(origin WEFT_NCURSES),undefined)
WEFT_NCURSES := $(call has_library,curses.h,-lncursesw)
endif
ifneq ($(WEFT_NCURSES),)
OPTION_FLAGS += -DWEFT_HAS_NCURSES
endif

# Optional: an address as a picture (src/cmd/serve_code.c); for the command only.
ifeq ($(origin WEFT_QRENCODE),undefined)
WEFT_QRENCODE := $(call has_library,qrencode.h,-lqrencode)
endif
ifneq ($(WEFT_QRENCODE),)
OPTION_FLAGS += -DWEFT_HAS_QRENCODE
endif

# Optional: a filter of system calls for `weft serve` (src/hub/confine_calls.c); for the command only.
ifeq ($(origin WEFT_SECCOMP),undefined)
WEFT_SECCOMP := $(call has_library,seccomp.h,-lseccomp)
endif

# Optional: accounts (src/account), which need all three libraries: SQLite, libsodium and utf8proc.
ifeq ($(origin WEFT_SQLITE),undefined)
WEFT_SQLITE := $(call has_library,sqlite3.h,-lsqlite3)
endif
ifeq ($(origin WEFT_SODIUM),undefined)
WEFT_SODIUM := $(and $(call has_library,sodium.h,-lsodium),$(call has_library,utf8proc.h,-lutf8proc))
endif
WEFT_ACCOUNTS := $(and $(WEFT_SQLITE),$(WEFT_SODIUM))
ifneq ($(WEFT_ACCOUNTS),)
OPTION_FLAGS += -DWEFT_HAS_SQLITE -DWEFT_HAS_SODIUM
OPTION_LIBS += -lsqlite3 -lsodium -lutf8proc
endif

# Optional: links, chat's sealed datagrams (src/chat/link*.c), which need libsodium alone.
ifneq ($(WEFT_SODIUM),)
OPTION_FLAGS += $(if $(WEFT_ACCOUNTS),,-DWEFT_HAS_SODIUM)
OPTION_LIBS += $(if $(WEFT_ACCOUNTS),,-lsodium)
endif

# TLS (src/io/tls*.c). There is no libssl for another architecture's tests, which need none.
ifneq ($(VARIANT),aarch64)
OPTION_FLAGS += -DWEFT_HAS_CRYPTO
OPTION_LIBS += -lssl -lcrypto
endif

# Thread-locals are read on every switch: initial-exec keeps that one instruction.
CFLAGS_ALL = -std=gnu17 -D_GNU_SOURCE -DWEFT_VERSION='"$(VERSION)"' $(WARN) -pthread -fPIC \
	-fvisibility=hidden -fno-semantic-interposition -ftls-model=initial-exec -fno-omit-frame-pointer \
	$(OPTION_FLAGS) $(CFLAGS_$(VARIANT)) $(CFLAGS_PART) $(CFLAGS)
LDFLAGS_ALL = -pthread $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

# ---- What is made of what --------------------------------------------------

LIB_DIRS := src/base src/fiber src/fiber/driver src/sync src/thread src/process src/io src/files src/http \
	src/ftp src/chat src/store src/account src/room
LIB_SRC := $(wildcard $(LIB_DIRS:%=%/*.c)) $(wildcard src/fiber/switch_$(ARCH).S)
LIB_SRC := $(if $(WEFT_URING),$(LIB_SRC),$(filter-out src/fiber/driver/uring% src/io/poller_uring.c,$(LIB_SRC)))
# Without their libraries, accounts are calls that fail.
ACCOUNT_KEPT := $(if $(WEFT_ACCOUNTS),$(filter-out src/account/absent.c,$(wildcard src/account/*.c)),$(addprefix src/account/,absent.c fault.c lists.c))
LIB_SRC := $(filter-out src/account/% src/store/%,$(LIB_SRC)) $(ACCOUNT_KEPT) $(if $(WEFT_ACCOUNTS),$(wildcard src/store/*.c))
# So are rooms.
ROOM_KEPT := $(if $(WEFT_ACCOUNTS),$(filter-out src/room/absent.c,$(wildcard src/room/*.c)),$(addprefix src/room/,absent.c fault.c))
LIB_SRC := $(filter-out src/room/%,$(LIB_SRC)) $(ROOM_KEPT)
# And links, without libsodium.
LIB_SRC := $(filter-out $(if $(WEFT_SODIUM),src/chat/link_absent.c,$(filter-out src/chat/link_absent.c,$(wildcard src/chat/link*.c))),$(LIB_SRC))
LIB_SRC := $(if $(filter aarch64,$(VARIANT)),$(filter-out src/io/tls% src/http/ws%,$(LIB_SRC)),$(LIB_SRC))
CMD_SRC := $(wildcard src/cmd/*.c src/hub/*.c)
BENCH_SRC := $(wildcard bench/*.c)
LIMIT_SRC := $(wildcard bench/limit/*.c)
LIMIT_SRC := $(if $(WEFT_SODIUM),$(LIMIT_SRC),$(filter-out bench/limit/password_hash.c,$(LIMIT_SRC)))
INSIDE_SRC := $(wildcard bench/inside/*.c)
FUZZ_SRC := $(wildcard fuzz/fuzz_*.c)
TEST_SRC := $(wildcard tests/*/test_*.c)
TEST_SRC := $(if $(WEFT_WSLAY),$(TEST_SRC),$(filter-out tests/http/test_ws% tests/sim/test_ws%,$(TEST_SRC)))
FUZZ_SRC := $(if $(WEFT_WSLAY),$(FUZZ_SRC),$(filter-out fuzz/fuzz_ws%,$(FUZZ_SRC)))
TEST_SRC := $(if $(WEFT_ACCOUNTS),$(TEST_SRC),$(filter-out tests/account/test_% tests/room/test_% tests/hub/test_%,$(TEST_SRC)))
FUZZ_SRC := $(if $(WEFT_ACCOUNTS),$(FUZZ_SRC),$(filter-out fuzz/fuzz_account%,$(FUZZ_SRC)))
TEST_SRC := $(if $(WEFT_SODIUM),$(TEST_SRC),$(filter-out tests/chat/test_link% tests/sim/test_chat_link%,$(TEST_SRC)))
FUZZ_SRC := $(if $(WEFT_SODIUM),$(FUZZ_SRC),$(filter-out fuzz/fuzz_chat_link%,$(FUZZ_SRC)))
# These variants run only the tests that ask for them (tools/check says how).
ifneq ($(filter tsan aarch64,$(VARIANT)),)
TEST_SRC := $(shell grep -lE 'check:( [a-z0-9]+)* $(VARIANT)\b' /dev/null $(TEST_SRC))
endif

objects = $(patsubst %,$(OBJ)/%.o,$(1))
LIB_OBJ := $(call objects,$(LIB_SRC))
LIMIT_BIN := $(LIMIT_SRC:bench/%.c=$(OUT)/%)
INSIDE_BIN := $(INSIDE_SRC:bench/%.c=$(OUT)/%)
TEST_BIN := $(TEST_SRC:%.c=$(OBJ)/%)
# What tests/system/test_ws.py drives.
ifneq ($(WEFT_WSLAY),)
TEST_BIN += $(if $(filter tsan,$(VARIANT)),,$(OBJ)/tests/system/ws_peer)
endif
# What tests/system/test_chat_sealed.py drives.
TEST_BIN += $(if $(WEFT_SODIUM),$(OBJ)/tests/system/link_peer)
FUZZ_BIN := $(FUZZ_SRC:%.c=$(OBJ)/%)
ALL_OBJ := $(call objects,$(LIB_SRC) $(CMD_SRC) $(BENCH_SRC) $(FUZZ_SRC) $(TEST_SRC)) \
	$(call objects,$(INSIDE_SRC) $(wildcard fuzz/replay.c) tests/system/ws_peer.c tests/system/link_peer.c)

.PHONY: all objects setup run check soak test-binaries fuzz-replay bench judge-http judge-ftp judge-chat judge-hub \
	fuzz cov lint format \
	install install-files dist deb clean help FORCE
.SUFFIXES:
.SECONDARY:

all: $(OUT)/weft $(OUT)/libweft.a $(OUT)/libweft.so $(OUT)/weft-bench $(LIMIT_BIN) $(INSIDE_BIN) ## Build the release into build/

objects: $(ALL_OBJ)

# `$(call run,VERB,COMMAND)`: say what is made, or with V=1 how.
run = $(if $(V),$(2),@printf '  %-6s %s\n' '$(1)' '$@'; $(2))

# src/ is on the include path of the library and its tests only: the command, the
# hub and the benchmarks see include/weft/, as any user does.
$(OBJ)/%.o: INCLUDE := -Iinclude -Isrc
$(OBJ)/tests/%.o: INCLUDE := -Iinclude -Isrc -Itests
$(OBJ)/tests/%.o: CFLAGS_PART := $(CFLAGS_TESTS_$(VARIANT))
$(OBJ)/src/cmd/%.o $(OBJ)/src/hub/%.o $(OBJ)/bench/%.o: INCLUDE := -Iinclude

$(OBJ)/%.c.o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(CFLAGS_ALL) $(INCLUDE) -MMD -MP -c $< -o $@)

# The page is part of the program: made ready and packed by tools of this machine, and the assembler
# takes it in.
HOST_CC ?= cc
ifeq ($(origin ESBUILD),undefined)
ESBUILD := $(shell command -v esbuild)
endif
WEB := $(sort $(filter-out web/README.md,$(wildcard web/*.*) $(wildcard web/*/*.*)))
PACK_FLAGS := $(if $(WEFT_ZLIB),-DWEFT_HAS_ZLIB) $(if $(WEFT_BROTLI),-DWEFT_HAS_BROTLI)
PACK_LIBS := $(if $(WEFT_ZLIB),-lz) $(if $(WEFT_BROTLI),-lbrotlienc)

$(OBJ)/embed: tools/embed.c src/hub/page_pack.h
	@mkdir -p $(@D)
	$(call run,CC,$(HOST_CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O1 $(PACK_FLAGS) $< $(PACK_LIBS) -o $@)

$(OBJ)/page.pack: tools/page $(OBJ)/embed $(WEB) $(OBJ)/web
	$(call run,PACK,ESBUILD='$(ESBUILD)' tools/page $(OBJ)/embed $@ $(OBJ)/page)

$(OBJ)/src/hub/page_files.c.o: $(OBJ)/page.pack
$(OBJ)/src/hub/page_files.c.o: CFLAGS_PART := -Wa,-I$(OBJ)
$(OBJ)/src/cmd/config.c.o: packaging/weft.conf

$(OBJ)/src/hub/confine_calls.c.o: CFLAGS_PART := $(if $(WEFT_SECCOMP),-DWEFT_HAS_SECCOMP)
$(OBJ)/src/hub/confine_calls.c.o: $(OBJ)/seccomp

$(OBJ)/%.S.o: %.S $(OBJ)/flags
	@mkdir -p $(@D)
	$(call run,AS,$(CC) $(CFLAGS_ALL) $(INCLUDE) -MMD -MP -c $< -o $@)

$(OUT)/libweft.a: $(LIB_OBJ) $(OBJ)/members
	@rm -f $@
	$(call run,AR,ar rcs $@ $(LIB_OBJ))

# Calls of libraries are bound as it starts, and their table is read-only from then on.
BOUND := -Wl,-z,relro,-z,now

$(OUT)/libweft.so: $(LIB_OBJ) $(OBJ)/members packaging/libweft.map
	$(call run,LINK,$(CC) -shared -Xlinker -soname=libweft.so.$(SOVERSION) \
		-Xlinker --version-script=packaging/libweft.map $(LDFLAGS_ALL) $(BOUND) $(LIB_OBJ) $(OPTION_LIBS) -o $@)
	@ln -sf libweft.so $@.$(SOVERSION)
	@printf '  %-6s WebSocket: %s\n' WITH '$(if $(WEFT_WSLAY),yes,no (libwslay-dev is missing, or WEFT_WSLAY is empty))'
	@printf '  %-6s accounts: %s\n' WITH '$(if $(WEFT_ACCOUNTS),yes,no (libsqlite3-dev, libsodium-dev or libutf8proc-dev is missing, or WEFT_SQLITE or WEFT_SODIUM is empty))'
	@printf '  %-6s sealed chat: %s\n' WITH '$(if $(WEFT_SODIUM),yes,no (libsodium-dev or libutf8proc-dev is missing, or WEFT_SODIUM is empty))'
	@printf '  %-6s io_uring: %s\n' WITH '$(if $(WEFT_URING),yes,no (liburing-dev is missing, or WEFT_URING is empty))'
	@printf '  %-6s gzip: %s\n' WITH '$(if $(WEFT_ZLIB),yes,no (zlib1g-dev is missing, or WEFT_ZLIB is empty))'
	@printf '  %-6s brotli: %s\n' WITH '$(if $(WEFT_BROTLI),yes,no (libbrotli-dev is missing, or WEFT_BROTLI is empty))'

LINK = $(call run,LINK,$(CC) $(LDFLAGS_ALL) $^ $(OPTION_LIBS) $(LDLIBS) -o $@)

$(OUT)/weft: LDLIBS += $(BOUND) -lm -lcrypt -ljansson -linih $(if $(WEFT_LIBEDIT),-ledit) $(if $(WEFT_NCURSES),-lncursesw -ltinfo) $(if $(WEFT_QRENCODE),-lqrencode) \
	$(if $(WEFT_SECCOMP),-lseccomp)
$(OUT)/weft: $(call objects,$(CMD_SRC)) $(OUT)/libweft.a
	$(LINK)
	@printf '  %-6s a screen for chat: %s\n' WITH '$(if $(WEFT_NCURSES),yes,no (libncurses-dev is missing, or WEFT_NCURSES is empty))'
	@printf '  %-6s QR codes: %s\n' WITH '$(if $(WEFT_QRENCODE),yes,no (libqrencode-dev is missing, or WEFT_QRENCODE is empty))'
	@printf '  %-6s a page of few scripts: %s\n' WITH '$(if $(ESBUILD),yes,no (esbuild is missing, or ESBUILD is empty))'
	@printf '  %-6s confined system calls: %s\n' WITH '$(if $(WEFT_SECCOMP),yes,no (libseccomp-dev is missing, or WEFT_SECCOMP is empty))'
	@printf '  %-6s line editing: %s\n' WITH '$(if $(WEFT_LIBEDIT),yes,no (libedit-dev is missing, or WEFT_LIBEDIT is empty))'

$(OUT)/weft-bench: $(call objects,$(BENCH_SRC)) $(OUT)/libweft.a
	$(LINK)

$(OBJ)/tests/%: LDLIBS += -lm
$(OBJ)/tests/%: $(OBJ)/tests/%.c.o $(OUT)/libweft.a
	$(LINK)

# A parser of the command's own: it is in no library.
$(OBJ)/tests/cmd/test_load_reply $(OBJ)/fuzz/fuzz_load_reply: $(OBJ)/src/cmd/load_reply.c.o

# What `weft lab` concludes from its figures; the table's numbers are in its sentences.
LAB_PARTS := $(call objects,$(patsubst %,src/cmd/lab_%.c,best break judge plan stats table))
$(OBJ)/tests/cmd/test_lab_judge: $(LAB_PARTS)
$(OBJ)/tests/cmd/test_lab_judge: LDLIBS += $(OUT)/libweft.a $(OPTION_LIBS)

# What the API of accounts takes, and chat as JSON: it is the command's.
$(OBJ)/fuzz/fuzz_account_json $(OBJ)/fuzz/fuzz_chat_json: $(call objects,$(wildcard src/hub/*.c))
$(OBJ)/fuzz/fuzz_account_json $(OBJ)/fuzz/fuzz_chat_json: LDLIBS += $(OUT)/libweft.a $(OPTION_LIBS) -ljansson \
	$(if $(WEFT_SECCOMP),-lseccomp)

# The doors of the hub.
HUB_TESTS := $(patsubst %.c,$(OBJ)/%,$(wildcard tests/hub/test_*.c))
$(HUB_TESTS): $(call objects,$(wildcard src/hub/*.c))
$(HUB_TESTS): LDLIBS += $(OUT)/libweft.a $(OPTION_LIBS) -ljansson $(if $(WEFT_SECCOMP),-lseccomp)

# libFuzzer brings the fuzz variant's main; the others replay files through fuzz/replay.c.
$(OBJ)/fuzz/%: $(OBJ)/fuzz/%.c.o $(if $(filter fuzz,$(VARIANT)),,$(OBJ)/fuzz/replay.c.o) $(OUT)/libweft.a
	$(LINK)

# What is tested of the command itself: it is no part of the library.
COLLECT_PARTS := $(call objects,src/cmd/collect_frame.c src/cmd/collect_line.c)
$(OBJ)/fuzz/fuzz_collect $(OBJ)/tests/cmd/test_collect_text: $(COLLECT_PARTS)
$(OBJ)/fuzz/fuzz_collect $(OBJ)/tests/cmd/test_collect_text: LDLIBS += $(OUT)/libweft.a

# A file of settings.
$(OBJ)/fuzz/fuzz_settings: $(call objects,src/cmd/complete.c src/cmd/nearest.c src/cmd/options.c \
	src/cmd/settings.c)
$(OBJ)/fuzz/fuzz_settings: LDLIBS += $(OUT)/libweft.a -linih -lm

# A client of chat, apart from its terminal and its connection.
CHAT_PARTS := $(call objects,$(patsubst %,src/cmd/chat_%.c,caller edit heard list listen log model people text))
$(OBJ)/tests/cmd/test_chat_caller $(OBJ)/tests/cmd/test_chat_text: $(CHAT_PARTS)
$(OBJ)/tests/cmd/test_chat_caller $(OBJ)/tests/cmd/test_chat_text: LDLIBS += $(OUT)/libweft.a $(OPTION_LIBS)

$(OBJ)/fuzz/fuzz_chat_caller: $(CHAT_PARTS)
$(OBJ)/fuzz/fuzz_chat_caller: LDLIBS += $(OUT)/libweft.a $(OPTION_LIBS)

# The yardsticks stand alone: no weft in them.
$(OUT)/limit/%: bench/limit/%.c $(wildcard bench/limit/*.h)
	@mkdir -p $(@D)
	$(call run,CC,$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O2 -g -pthread $< $(LDLIBS) -o $@)

$(OUT)/limit/password_hash: LDLIBS += -lsodium

# Parts of the library that are timed alone, without a public header.
$(OBJ)/bench/inside/%.o: INCLUDE := -Iinclude -Isrc
$(OUT)/inside/%: $(OBJ)/bench/inside/%.c.o $(OUT)/libweft.a
	@mkdir -p $(@D)
	$(LINK)

# Other flags, or a source that is gone, leave no file newer: so they are noted in
# files of their own, rewritten only when they change. valgrind's header is among
# the flags because the code uses it where it exists.
quote = '$(subst ','\'',$(1))'
note = @mkdir -p $(@D); echo $(call quote,$(1)) | cmp -s - $@ || echo $(call quote,$(1)) >$@

$(OBJ)/flags: FORCE
	$(call note,$(CC) $(CFLAGS_ALL) $(CFLAGS_TESTS_$(VARIANT)) $(LDFLAGS_ALL) $(wildcard /usr/include/valgrind/valgrind.h))

$(OBJ)/members: FORCE
	$(call note,$(LIB_OBJ))

$(OBJ)/web: FORCE
	$(call note,$(WEB) $(ESBUILD))

$(OBJ)/seccomp: FORCE
	$(call note,$(WEFT_SECCOMP))

-include $(ALL_OBJ:.o=.d)

# ---- What people type ------------------------------------------------------

setup: ## Install what the build and the tests need (only what is missing)
	@tools/bootstrap check

run: ## Build, then serve the folder DIR (default: this one) until Ctrl-C
	@tools/bootstrap run
	@$(MAKE) --no-print-directory -j$(JOBS) build/weft
	@dir='$(subst ','\'',$(or $(DIR),.))'; case $$dir in '~' | '~/'*) dir=$$HOME$${dir#?} ;; esac; \
		exec build/weft serve "$$dir" $(ARGS)

test-binaries: $(TEST_BIN)

fuzz-replay: $(FUZZ_BIN)

check: ## Run all tests: release, sanitizers, valgrind, aarch64 (ONLY=word for some)
	@tools/bootstrap check
	@tools/check $(ONLY)

soak: ## The same with 20 times the randomised work
	@tools/bootstrap check
	@CHECK_ROUNDS=20 tools/check $(ONLY)

sim: ## Run the simulated tests over SEEDS=1000 seeds (SEED=n ONLY=test_storm: that one)
	@tools/bootstrap run
	@$(MAKE) --no-print-directory -j$(JOBS) test-binaries
	@for test in build/release/tests/sim/test_*$(ONLY:test_%=%); do \
		[ -x $$test ] || continue; \
		echo $$test; \
		SIM_SEEDS=$(or $(SEEDS),1000) SIM_SEED=$(SEED) $$test || exit 1; \
	done

bench: ## Measure against the yardsticks, print the table (ONLY=name for one)
	@tools/bootstrap bench
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@build/weft-bench $(if $(ONLY),--only $(ONLY)) $(ARGS)

judge-http: ## Let others' programs judge the HTTP server: curl, wget, ab, Chromium... (ONLY=word)
	@tools/bootstrap judge
	@$(MAKE) --no-print-directory -j$(JOBS) build/weft build/weft-bench
	@tools/judge $(ONLY)

judge-ftp: ## Let others' programs judge FTP: vsftpd, Pure-FTPd, ProFTPD as our client's servers...
	@tools/bootstrap judge
	@$(MAKE) --no-print-directory -j$(JOBS) build/weft
	@tools/judge ftp$(ONLY:ftp%=%)

judge-chat: ## Let others' programs judge chat: nc, ncat, socat, openssl, ws, Chromium, tmux, nft...
	@tools/bootstrap judge
	@$(MAKE) --no-print-directory -j$(JOBS) build/weft
	@tools/judge chat$(if $(ONLY),_$(ONLY:chat_%=%))

judge-hub: ## One file and one room through every door at once: Chromium, curl, lftp, nc... (JUDGE_ROUNDS=5)
	@tools/bootstrap judge
	@$(MAKE) --no-print-directory -j$(JOBS) build/weft
	@tools/judge hub

fuzz: ## Look for new crashes with libFuzzer (ONLY=name, SECONDS=30 for each parser)
	@tools/bootstrap fuzz
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=fuzz fuzz-replay
	@tools/fuzz $(or $(SECONDS),30) $(ONLY)

cov: ## Say how much of each source file the tests reach
	@tools/bootstrap check
	@tools/cov

lint: ## clang-tidy, cppcheck, clang-format and tools/tidy
	@tools/bootstrap lint
	@tools/lint

format: ## Format every C file with clang-format
	@tools/bootstrap lint
	@git ls-files '*.c' '*.h' | xargs clang-format -i

COMPLETIONS := bash-completion/completions/weft zsh/site-functions/_weft fish/vendor_completions.d/weft.fish

# Where the loader does not look, a program has to know the place.
comma := ,
RPATH := $(if $(filter /usr/%,$(LIBDIR)),, -Wl$(comma)-rpath$(comma)$${libdir})

# All is made before the first file is copied: what fails leaves nothing half. Who packs (DESTDIR)
# has what a build needs, and nothing is installed on that machine.
install: ## Install into PREFIX (default /usr/local), below DESTDIR when packaging
	@$(if $(DESTDIR),,tools/bootstrap install)
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@man3=$$(mktemp -d build/man3.XXXXXX) && trap 'rm -rf "$$man3"' EXIT && tools/man3 "$$man3" && \
		$(MAKE) --no-print-directory install-files MAN3="$$man3"

install-files:
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(LIBDIR)/pkgconfig $(INCLUDEDIR)/weft)
	install -m 755 build/weft $(DESTDIR)$(BINDIR)/weft
	install -m 644 include/weft/*.h $(DESTDIR)$(INCLUDEDIR)/weft
	install -D -m 644 tools/weft-gdb.py $(DESTDIR)$(PREFIX)/share/weft/weft-gdb.py
	install -m 644 build/libweft.a $(DESTDIR)$(LIBDIR)/libweft.a
	install -m 755 build/libweft.so $(DESTDIR)$(LIBDIR)/libweft.so.$(VERSION)
	ln -sf libweft.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libweft.so.$(SOVERSION)
	ln -sf libweft.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libweft.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(OPTION_LIBS)|' -e 's|@RPATH@|$(RPATH)|' \
		packaging/weft.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/weft.pc
	$(foreach page,$(wildcard docs/man/*.[1-8]),install -D -m 644 $(page) \
		$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)) &&) true
	install -d $(DESTDIR)$(MANDIR)/man3
	install -m 644 $(MAN3)/*.3 $(DESTDIR)$(MANDIR)/man3
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,$(dir $(COMPLETIONS)))
	$(foreach path,$(COMPLETIONS),build/weft completion $(firstword $(subst -, ,$(subst /, ,$(path)))) \
		>$(DESTDIR)$(PREFIX)/share/$(path) &&) true
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed -e 's|/usr/bin/weft|$(BINDIR)/weft|' packaging/weft.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/weft.service
	install -D -m 644 packaging/weft.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/weft.conf
	install -D -m 644 packaging/weft.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/weft.conf
	@# So that a program finds the library from now on.
	@$(if $(DESTDIR),,[ "$$(id -u)" -ne 0 ] || PATH="$$PATH:/usr/sbin:/sbin" ldconfig || true)
	@$(if $(DESTDIR)$(filter /usr/%,$(LIBDIR)),,printf '%s\n' 'It is below $(PREFIX). In your shell:' \
		'  export PATH="$(BINDIR):$$PATH" PKG_CONFIG_PATH="$(LIBDIR)/pkgconfig"')

dist: ## The committed tree as build/weft-VERSION.tar.gz, the same bytes each time
	@mkdir -p build
	@part=$$(mktemp build/dist.XXXXXX) && trap 'rm -f $$part $$part.gz' EXIT && \
		git archive --format=tar --prefix=weft-$(VERSION)/ HEAD >$$part && \
		gzip -9nc $$part >$$part.gz && mv $$part.gz build/weft-$(VERSION).tar.gz
	@echo build/weft-$(VERSION).tar.gz

deb: ## Debian packages, in build/deb: weft, libweft1, libweft-dev
	@tools/bootstrap deb
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tools/deb build/deb

clean: ## Remove build/
	rm -rf build

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
