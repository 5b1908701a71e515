#!/bin/sh
# AFL++ finds what is planted behind a parser, starting from an input that does not lead there. "AFL=1 make fuzz" gives it every target.
cd "$(dirname "$0")/../.." || exit 111
if ! command -v afl-clang-fast >/dev/null || ! command -v afl-fuzz >/dev/null; then
	echo "1..0 # SKIP no AFL++ here"
	exit
fi
echo 1..2
mkdir -p build/afl
# Without optimization: else nested conditions may become one, which nobody could be led through.
if said=$( (flock 9 && make -s -j 2 FUZZ=1 AFL=1 CFLAGS='-O0 -g1' build/afl/planted 2>&1 9>&-) 9>build/afl/lock); then
	echo "ok 1 - a target is built by AFL++'s compiler"
else
	echo "not ok 1 - a target is built by AFL++'s compiler"
	echo "$said" | tail -n 20 | sed 's/^/# /'
fi
work=$(mktemp -d) || exit 111
trap 'rm -rf "$work"' EXIT
mkdir "$work/in"
printf aaaa >"$work/in/seed"
AFL_BENCH_UNTIL_CRASH=1 tests/fuzz/afl 60 "$work/in" "$work/out" build/afl/planted >"$work/log" 2>&1
if find "$work/out/default/crashes" -name 'id:*' 2>/dev/null | grep -q .; then
	echo "ok 2 - and finds the path"
else
	echo "not ok 2 - and finds the path"
	tail -n 30 "$work/log" | sed 's/^/# /'
fi
