#!/bin/sh
# Every parser that strangers, users and other programs feed, each fuzzed from its seeds for a second or FUZZ_RUNS runs (1,500), whichever
# is shorter; "make fuzz" does it for as long as one likes (PROOF=1: FUZZ_SECONDS each, 60). All is compiled by clang, with every warning an error.
cd "$(dirname "$0")/../.." || exit 111
if ! command -v clang >/dev/null || ! echo 'int LLVMFuzzerTestOneInput(const char *s, unsigned long n) { return !s && n; }' |
	clang -x c - -fsanitize=fuzzer,address -o /dev/null 2>/dev/null; then
	echo "1..0 # SKIP no clang with libFuzzer here"
	exit
fi
[ -n "$PROOF" ] && seconds=${FUZZ_SECONDS:-60} || seconds=1 FUZZ_RUNS=${FUZZ_RUNS:-1500}
export FUZZ_RUNS SEED="${SEED:-1}"
set -- $(ls tests/fuzz/*/*.c | sed 's|.*/||; s|\.c$||')
echo "1..$(($# + 1))"
echo "# SEED=$SEED"
if said=$(tests/fuzz/sanitized); then
	echo "ok 1 - every file compiles under clang, without a warning"
else
	echo "not ok 1 - every file compiles under clang, without a warning"
	echo "$said" | tail -n 40 | sed 's/^/# /'
fi
tests/fuzz/run "$seconds" 2>&1 | awk '
	/^[a-z0-9-]+: [1-9][0-9]* runs, nothing found$/ { print "ok " ++n + 1 " - " $0; runs += $2; next }
	{ print "not ok " ++n + 1 " - " $0; failed++; sub(/:.*/, "", $1); system("tail -n 40 build/fuzz/" $1 ".log 2>/dev/null | sed \"s/^/# /\"") }
	{ fflush() }
	END { printf "# proof: no parser crashes, leaks, hangs or reads beyond its octets (%d targets) | %d | %d\n", n, runs, failed }'
