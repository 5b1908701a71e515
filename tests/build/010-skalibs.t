#!/bin/sh
# Every C file compiles without a warning on the skalibs and s6 headers of Debian's next releases too
# (2.14 and 2.15), and the programs link with those libraries. Skipped where Debian's archive is out of
# reach.
cd "$(dirname "$0")/../.." || exit 111
work=$(mktemp -d) || exit 111
trap 'rm -rf "$work"' EXIT

mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1)

fetch() { # SUITE: leaves usr/ in $work/SUITE
	mkdir -p "$work/$1/lists/partial" "$work/$1/archives/partial"
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
		"$mirror" "$1" >"$work/$1/x.sources"
	set -- "$1" -q -o "Dir::Etc::sourcelist=$work/$1/x.sources" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::lists=$work/$1/lists" -o "Dir::Cache=$work/$1" -o "Dir::Cache::archives=$work/$1/archives" \
		-o APT::Sandbox::User=root
	suite=$1
	shift
	(cd "$work/$suite" && timeout 120 apt-get "$@" update && timeout 120 apt-get "$@" download skalibs-dev libs6-dev &&
		for deb in *.deb; do dpkg-deb -x "$deb" . || exit; done) >"$work/log" 2>&1
}

echo 1..4
n=0
for suite in trixie sid; do
	if [ -z "$mirror" ] || ! fetch $suite; then
		for _ in compiles links; do n=$((n + 1)); echo "ok $n # SKIP Debian $suite's packages are out of reach"; done
		continue
	fi
	include=$(dirname "$(find "$work/$suite" -type d -name skalibs -path '*include*')")
	library=$(dirname "$(find "$work/$suite" -name libskarnet.a)")
	version=$(sed -n 's/^#define SKALIBS_VERSION "\(.*\)"/\1/p' "$include/skalibs/config.h")
	log=$work/$suite/log
	if find . -name '*.c' -not -path './build/*' -not -path './tests/*' -print0 |
		xargs -0 -P 2 -n 20 cc -std=c11 -fsyntax-only -Wall -Wextra -Werror -D_GNU_SOURCE -I. -isystem "$include" >"$log" 2>&1; then
		n=$((n + 1)); echo "ok $n - every file compiles on skalibs $version"
	else
		n=$((n + 1)); echo "not ok $n - every file compiles on skalibs $version"; sed 's/^/# /' "$log" | head -n 30
	fi
	if make -s -j 2 B="$work/$suite/build" CFLAGS=-O0 SKALIBS_INC="-U_FORTIFY_SOURCE -isystem $include" SKALIBS_LIB="$library/libskarnet.a" \
		S6_LIB="$library/libs6.a" "$work/$suite/build/bin/tcpserver" "$work/$suite/build/bin/imap-login" >"$log" 2>&1; then
		n=$((n + 1)); echo "ok $n - programs link with skalibs $version"
	else
		n=$((n + 1)); echo "not ok $n - programs link with skalibs $version"; sed 's/^/# /' "$log" | head -n 30
	fi
done
