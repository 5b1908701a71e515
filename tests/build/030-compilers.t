#!/bin/sh
# Every C file compiles against musl's headers (gcc with glibc: scripts/check builds with warnings as errors; clang: 060-fuzz.t).
cd "$(dirname "$0")/../.." || exit 111
work=$(mktemp -d) || exit 111
trap 'rm -rf "$work"' EXIT
n=0

check() { # NAME FLAGS-AND-COMPILER...
	name=$1
	shift
	n=$((n + 1))
	if find bin lib maildir imap pop3 managesieve smtp-recv mda-local mda-remote -name '*.c' -print0 |
		xargs -0 -P 2 -n 20 "$@" -std=c11 -fsyntax-only -D_GNU_SOURCE -I. >"$work/log" 2>&1; then
		echo "ok $n - every file compiles $name"
	else
		echo "not ok $n - every file compiles $name"
		sed 's/^/# /' "$work/log" | head -n 40
	fi
}

skip() {
	n=$((n + 1))
	echo "ok $n # SKIP no $1 here"
}

echo 1..1

# musl's own headers, and beside them those of the libraries and the kernel.
if command -v musl-gcc >/dev/null; then
	system=/usr/include multiarch=$(dirname "$(dirname "$(find /usr/include -path '*/skalibs/config.h' | head -n 1)")")
	mkdir -p "$work/openssl" "$work/sys"
	for name in skalibs s6 asm curl zconf.h; do [ ! -e "$multiarch/$name" ] || ln -s "$multiarch/$name" "$work/$name"; done
	for name in linux asm-generic curl unistring unistr.h unicase.h uninorm.h unitypes.h unictype.h idn2.h unbound.h crypt.h zlib.h zconf.h; do
		[ ! -e "$system/$name" ] || [ -e "$work/$name" ] || ln -s "$system/$name" "$work/$name"
	done
	ln -s "$multiarch"/openssl/*.h "$work/openssl/"
	ln -s "$system"/openssl/*.h "$work/openssl/" 2>/dev/null # the machine's own headers go first
	# libxcrypt's header is written for either libc, but asks glibc's for these.
	printf '#define __BEGIN_DECLS\n#define __END_DECLS\n#define __THROW\n#define __nonnull(x)\n' >"$work/sys/cdefs.h"
	check 'on musl' musl-gcc -Wall -Wextra -Wno-unused-value -I"$work"
else
	skip musl-gcc
fi
