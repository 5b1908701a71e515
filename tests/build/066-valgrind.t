#!/bin/sh
# Sessions of every protocol with the programs under valgrind, which sees what sanitizers do not: a decision by what nobody has set, and
# memory that is lost. The programs are linked anew, of the objects that there are. "make valgrind" runs every transcript so.
cd "$(dirname "$0")/../.." || exit 111
if ! command -v valgrind >/dev/null; then
	echo "1..0 # SKIP no valgrind here"
	exit
fi
set -- tests/smtp-recv/015-transcripts.t tests/managesieve/010-commands.t tests/imap/010-session.t tests/pop3/040-rfc.t \
	tests/mda-local/080-rfc.t tests/imap-login/020-clear-text.t tests/managesieve-login/020-clear-text.t
echo "1..$#"
said=$(tests/valgrind/run "$@" 2>&1)
n=0 failed=0
for test in "$@"; do
	n=$((n + 1))
	if echo "$said" | sed -n '/^Test Summary/,$p' | grep -q "^$test " || ! echo "$said" | grep -q "\] $test "; then
		failed=$((failed + 1))
		echo "not ok $n - $test"
	else
		echo "ok $n - $test"
	fi
done
[ $failed = 0 ] || echo "$said" | grep -v '^ok' | tail -n 100 | sed 's/^/# /'
echo "# proof: no octet is touched that is not a program's own, nothing is decided by what nobody has set, nothing is lost | $n | $failed"
