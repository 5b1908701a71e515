# postern: one non-recursive makefile, no configure step, output only in build/.
#
#   make                 every program, in build/bin
#   make check           build and run the tests (what they need: scripts/check)
#   make soak            the store's model, faults, kills, upgrades, certificates and power cuts for SOAK_SECONDS (600)
#   make proof           what is promised, how many points were tried, how many failed: one table; PROOF=1: all points
#   make crash           every system call of every scenario fails, or is the last; power cuts (doc/acceptance.md): more than two
#                        hours; CRASH_SECONDS=60: a minute of each scenario
#   make habits          a mail client's habits while programs are killed, for KILL_SECONDS (600)
#   make abuse           floods, slow clients, full disks and the like, in full numbers (doc/abuse.md)
#   make install DESTDIR= PREFIX=/usr/local
#   make SAN=1 | VG=1 | WERROR=1 | CC=clang     variants, each in its own build folder (VG: behind make)
#   make FUZZ=1 [all] [unit] [targets]          clang's sanitizers and libFuzzer's counters in it all, in build/fuzz
#   make fuzz            each parser fuzzed for FUZZ_SECONDS (60) by libFuzzer; AFL=1: by AFL++
#   make san             the tests with every program under AddressSanitizer and UndefinedBehaviorSanitizer
#   make valgrind        the transcripts and the unit tests with every program under valgrind
#   make clean

PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc

# What is fuzzed is built with what the sanitized programs are built with: each file is compiled once.
FUZZED  := $(if $(AFL),afl,$(if $(FUZZ),fuzz))
ifneq ($(FUZZED),)
SAN     := 1
CC      := $(if $(AFL),AFL_QUIET=1 afl-clang-fast,clang)
CFLAGS  ?= -O1 -g1
endif

# For valgrind, whose own malloc and strlen a static program would not call: the objects that there are, linked anew.
ifdef VG
NOSTATIC := 1
CPPFLAGS += -DSANDBOX_VALGRIND
endif

VARIANT := $(if $(SAN),-san)$(if $(VG),-vg)$(if $(filter clang%,$(notdir $(CC))),-clang)
B       := build$(if $(FUZZED),/$(FUZZED),$(if $(VARIANT),/variant$(VARIANT)))

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wconversion \
           $(if $(WERROR),-Werror)
HARDEN  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
CFLAGS  ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -I. $(SKALIBS_INC)
ALLFLAGS := -std=c11 $(CFLAGS) $(WARN) -ffunction-sections -fdata-sections -MMD -MP
LDPATH  := -L/usr/lib/skalibs
LINK    := $(LDPATH) -Wl,--gc-sections -Wl,-z,relro,-z,now
ifdef SAN
ALLFLAGS += -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LINK    += -fsanitize=address,undefined
# Checks that cost a third of the compiling and find what AddressSanitizer finds; SAN=1 has them.
COSTLY  := -fno-sanitize=null,object-size,pointer-overflow
ALLFLAGS += $(if $(FUZZED),$(COSTLY)) $(if $(AFL),,$(if $(FUZZ),-fsanitize=fuzzer-no-link))
else
ALLFLAGS += $(HARDEN)
endif

# Static libraries where there are any: no skalibs release promises a stable ABI.
links = $(shell echo 'int main(void){return 0;}' | $(CC) -x c - -o /dev/null $(LDPATH) $1 2>/dev/null && echo yes)
ifndef SKALIBS_LIB
SKALIBS_LIB := $(if $(call links,-l:libskarnet.a -lrt),-l:libskarnet.a,-lskarnet)
endif
ifndef S6_LIB
S6_LIB  := $(if $(call links,-l:libs6.a),-l:libs6.a,-ls6)
endif

# Programs that call neither iconv, getpwnam nor getaddrinfo are linked statically: an exec of one
# costs half of a dynamic one's (doc/architecture.md, "Cost of a connection"). NOSTATIC=1 forbids it;
# so does a system without the static libraries (Arch).
ifndef NOSTATIC
NOSTATIC := $(if $(call links,-static-pie -l:libskarnet.a -l:libidn2.a -l:libunistring.a -l:libcrypt.a -lrt),,1)
endif
STATIC  := $(if $(SAN)$(NOSTATIC),-pie,-static-pie)
DYNAMIC := -pie
SSL     := -lssl -lcrypto

# ---- programs: name, objects, link kind, extra libraries ---------------------------------------
include programs.mk

BIN     := $(addprefix $B/bin/,$(PROGRAMS))
LIBSRC  := $(wildcard lib/*.c)
STORE   := $(wildcard maildir/*.c)
SIEVE   := $(wildcard sieve/*.c)
UNIT    := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/*.c))
BENCH   := $(patsubst tests/bench/%.c,$B/bench/%,$(wildcard tests/bench/*.c))
TARGETS := $(patsubst tests/fuzz/%/,$B/targets/%,$(sort $(dir $(wildcard tests/fuzz/*/*.c))))
# The crash rig's tracer, where it knows the registers.
CRASH   := $(if $(filter x86_64-linux%,$(shell $(CC) -dumpmachine)),$B/crash/tracer)

.PHONY: all check crash soak habits abuse install clean fuzz targets san valgrind unit bench rigs proof
.SECONDARY:
.SECONDEXPANSION:
.DELETE_ON_ERROR:

all: $(BIN)

$(if $(VG),$(addprefix $B/obj/,lib/sandbox.o lib/sandbox-mode.o bin/login-wait.o tests/lib/stralloc.o):) $B/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLFLAGS) -c -o $@ $<

ifdef VG
$B/obj/%.o: build/obj/%.o
	@mkdir -p $(@D)
	ln -f $< $@
endif

$B/lib.a: $(LIBSRC:%.c=$B/obj/%.o) $(if $(SAN)$(VG),$B/obj/tests/lib/stralloc.o)
	@rm -f $@
	$(AR) rcs $@ $^

$B/store.a: $(STORE:%.c=$B/obj/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$B/sieve.a: $(SIEVE:%.c=$B/obj/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

# What a program is linked of, for scripts/trusted-lines; one without that is linked again.
.PHONY: $(addprefix $B/bin/,$(filter-out $(notdir $(wildcard $B/map/*)),$(PROGRAMS)))

# login-wait stands once per session and needs no library (its head says more).
ALONE   := $(if $(SAN)$(NOSTATIC),,$(filter x86_64 aarch64,$(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))))
ifneq ($(ALONE),)
$B/obj/bin/login-wait.o: ALLFLAGS += -DALONE -ffreestanding -fno-stack-protector -fno-PIE
$B/bin/login-wait: $B/obj/bin/login-wait.o
	@mkdir -p $(@D) $B/map
	$(CC) -static -nostdlib -Wl,--build-id=none,-Map=$B/map/login-wait -o $@ $^
endif

$(if $(ALONE),$(filter-out $B/bin/login-wait,$(BIN)),$(BIN)): $B/bin/%: $$(addprefix $B/obj/,$$(OBJ_$$*)) \
    $$(if $$(filter store,$$(USE_$$*)),$B/store.a) $$(if $$(filter sieve,$$(USE_$$*)),$B/sieve.a) $B/lib.a
	@mkdir -p $(@D) $B/map
	$(CC) $(if $(filter dynamic,$(USE_$*)),$(DYNAMIC),$(STATIC)) $(LINK) $(LDFLAGS) -Wl,-Map=$B/map/$* -o $@ $^ \
	    $(LIBS_$*) $(SKALIBS_LIB) -lrt

# Unit tests: tests/unit/NAME.c, with whatever else its line "// objects: a.o b.o" and
# "// libs: -lx" name. Everything but a program's main can be linked.
more_objects = $(addprefix $B/obj/,$(shell sed -n 's|^// objects: ||p' $1))
unit: $(UNIT) $(CRASH)
$B/unit/%: tests/unit/%.c tests/unit/tap.h $B/store.a $B/sieve.a $B/lib.a \
    $$(call more_objects,tests/unit/$$*.c)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLFLAGS) $(DYNAMIC) $(LINK) -o $@ $< $(filter %.o,$^) $B/store.a $B/sieve.a $B/lib.a \
	    $(shell sed -n 's|^// libs: ||p' $<) $(SKALIBS_LIB) -lrt

$B/crash/names.h:
	@mkdir -p $(@D)
	echo '#include <sys/syscall.h>' | $(CC) -E -dM - | sed -n 's/^#define SYS_\([a-z0-9_]*\) .*/{SYS_\1, "\1"},/p' >$@
$B/crash/tracer: $(wildcard tests/crash/tracer/*.[ch]) $B/crash/names.h
	$(CC) $(CPPFLAGS) -I$B/crash $(filter-out -fsanitize% -MMD -MP,$(ALLFLAGS)) $(if $(NOSTATIC),-pie,-static-pie) -o $@ $(filter %.c,$^)

bench: $(BENCH)
$B/bench/%: tests/bench/%.c $B/lib.a $$(call more_objects,tests/bench/$$*.c)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLFLAGS) $(DYNAMIC) $(LINK) -o $@ $< $(filter %.o,$^) $B/lib.a \
	    $(shell sed -n 's|^// libs: ||p' $<) $(SKALIBS_LIB) -lrt

# Fuzz targets: tests/fuzz/FOLDER/NAME.c, one binary a folder, with what it needs of FOLDER/, maildir/, sieve/ and lib/.
# FUZZ_TARGET in its environment names the target (tests/fuzz/main.c). Programs' mains stay out: one of them would be AFL++'s.
targets: $(TARGETS)
fuzz:
	tests/fuzz/run $${FUZZ_SECONDS:-60}
fuzz_objects = $(patsubst %.c,$B/obj/%.o,$(wildcard tests/fuzz/$1/*.c))
folder_objects = $(patsubst %.c,$B/obj/%.o,$(filter-out $(LIBSRC) $(STORE) $(SIEVE) $(PROGRAMS:%=$1/%.c) $(PROGRAMS:%=$1/tool/%.c), \
    $(wildcard $1/*.c $1/tool/*.c)))
$B/obj/tests/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLFLAGS) -DLLVMFuzzerTestOneInput=fuzz_$(subst -,_,$(notdir $*)) -c -o $@ $<
$B/targets/%.h: $$(wildcard tests/fuzz/$$*/*.c)
	@mkdir -p $(@D)
	printf 'TARGET(%s)\n' $(subst -,_,$(notdir $(^:.c=))) >$@
$(TARGETS:%=%.o): $B/targets/%.o: tests/fuzz/main.c $B/targets/%.h
	$(CC) $(CPPFLAGS) $(ALLFLAGS) -DTARGETS='"$B/targets/$*.h"' -c -o $@ $<
$B/targets/%.a: $$(call folder_objects,$$*)
	@rm -f $@
	$(AR) rcs $@ $^
$(TARGETS): $B/targets/%: $B/targets/%.o $$(call fuzz_objects,$$*) $B/targets/%.a $B/store.a $B/sieve.a $B/lib.a
	$(CC) $(LDPATH) -fsanitize=fuzzer,address,undefined -Wl,-z,muldefs -o $@ $^ -Wl,--as-needed \
	    -lidn2 -lunistring -lresolv -lz -lcrypt $(SSL) $(SKALIBS_LIB) -lrt

# A fuzz target with something to find, for tests/build/067-afl.t.
$B/planted: $(addprefix $B/obj/,tests/build/planted.o bin/proxy-header.o lib/ucspi.o lib/sa.o)
	$(CC) $(LDPATH) -fsanitize=fuzzer,address,undefined -o $@ $^ $(SKALIBS_LIB) -lrt

# Copies of the programs with an attacker in the parser's place, tests/proof/entry/NAME.c saying where; one more is
# the attacker alone.
ATTACKED := $(patsubst tests/proof/entry/%.c,$B/proof/%,$(wildcard tests/proof/entry/*.c))
ATTACKER := $(addprefix $B/obj/tests/proof/,attacker.o calls.o network.o paths.o plan.o processes.o)
wraps = $(addprefix -Wl$(comma)--wrap=,$(shell sed -n 's/^ENTRY(\(.*\))$$/\1/p' tests/proof/entry/$1.c))
comma := ,
rigs: $(ATTACKED) $B/proof/attacker
$(ATTACKED): $B/proof/%: $$(addprefix $B/obj/,$$(OBJ_$$*)) $B/obj/tests/proof/entry/%.o $(ATTACKER) \
    $$(if $$(filter store,$$(USE_$$*)),$B/store.a) $$(if $$(filter sieve,$$(USE_$$*)),$B/sieve.a) $B/lib.a
	@mkdir -p $(@D)
	$(CC) $(if $(filter dynamic,$(USE_$*)),$(DYNAMIC),$(STATIC)) $(LINK) $(call wraps,$*) -o $@ $^ \
	    $(LIBS_$*) $(SKALIBS_LIB) -lrt
$B/proof/attacker: $B/obj/tests/proof/alone.o $(ATTACKER)
	@mkdir -p $(@D)
	$(CC) $(DYNAMIC) $(LINK) -o $@ $^

# What each promise of doc/architecture.md rests on, in one table; with PROOF=1 every point that there is, for hours, and with
# CRASH_SECONDS=60 as well a minute of each crash scenario's.
proof: all unit bench rigs
	PROOF=$(PROOF) tests/proof/run

check: all unit rigs
	tests/run

san:
	$(MAKE) SAN=1 all unit
	tests/sanitized build/variant-san

valgrind:
	tests/valgrind/run

soak: all unit
	tests/soak

crash: all unit
	tests/crash/run -a
	tests/crash/cut -a

# Two hours of a mail client's habits in ten minutes: thousands of submissions, and kill -9 meanwhile.
habits: all
	PATH="$$PWD/$B/bin:$$PATH" PYTHONPATH=tests/lib KILL_SECONDS=$${KILL_SECONDS:-600} python3 tests/flow/050-kill.t

# Every case of doc/abuse.md in full numbers, some of which need root.
abuse: all
	PATH="$$PWD/$B/bin:$$PATH" PYTHONPATH=tests/lib PROOF=1 prove -v --timer -e '' tests/abuse/*.t

install: all
	scripts/install "$B/bin" "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf build

-include $(shell find $B/obj $B/unit $B/bench $B/targets -name '*.d' 2>/dev/null)
