#!/bin/sh
# The parsers that strangers and users feed, each fuzzed for a few seconds from the corpus of tests/lib/corpus.py and its seeds: IMAP's
# commands before and after login, MIME, SEARCH, alias lists, ManageSieve's, Sieve and its regular expressions. tests/fuzz/run SECONDS runs all targets for as long as one likes.
cd "$(dirname "$0")/../.." || exit 111
targets='imap-login imap-session mime section imap-search alias-list socketmap managesieve regex sieve'
if ! command -v clang >/dev/null || ! echo 'int LLVMFuzzerTestOneInput(const char *s, unsigned long n) { return !s && n; }' |
	clang -x c - -fsanitize=fuzzer,address -o /dev/null 2>/dev/null; then
	echo "1..0 # SKIP no clang with libFuzzer here"
	exit
fi
set -- $targets
echo "1..$#"
n=0
for target in $targets; do
	n=$((n + 1))
	if said=$(tests/fuzz/run 3 "$target" 2>&1) && [ "${said#"$target: "}" != "$said" ] && [ "${said#"$target: 0 "}" = "$said" ]; then
		echo "ok $n - $said"
	else
		echo "not ok $n - $target"
		echo "$said" | sed 's/^/# /'
		tail -n 40 "build/fuzz/$target.log" 2>/dev/null | sed 's/^/# /'
	fi
done
