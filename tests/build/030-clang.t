#!/bin/sh
# Every C file compiles under clang without a warning, with the flags of the Makefile (gcc: scripts/check
# builds with warnings as errors).
cd "$(dirname "$0")/../.." || exit 111
echo 1..1
command -v clang >/dev/null || { echo "ok 1 # SKIP no clang here"; exit; }
flags=$(make -s -p -n CC=clang WERROR=1 2>/dev/null | sed -n 's/^WARN := //p' | sed 's/\$([^)]*)/-Werror/')
log=$(mktemp) || exit 111
trap 'rm -f "$log"' EXIT
if find bin lib maildir imap pop3 smtp-recv mda-local mda-remote tests/unit tests/bench -name '*.c' -print0 |
	xargs -0 -P 2 -n 20 clang -std=c11 -fsyntax-only $flags -D_GNU_SOURCE -I. >"$log" 2>&1; then
	echo "ok 1 - every file compiles under clang"
else
	echo "not ok 1 - every file compiles under clang"
	sed 's/^/# /' "$log" | head -n 40
fi
