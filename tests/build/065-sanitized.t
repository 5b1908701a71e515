#!/bin/sh
# A session of every protocol with the programs under AddressSanitizer and UndefinedBehaviorSanitizer, which end them at the first octet
# that is not theirs. "make san" runs the whole suite so.
cd "$(dirname "$0")/../.." || exit 111
if ! command -v clang >/dev/null || ! said=$(tests/fuzz/sanitized); then
	echo "1..0 # SKIP no clang with sanitizers here: $(echo "$said" | tail -n 1)"
	exit
fi
set -- tests/smtp-recv/015-transcripts.t tests/mda-local/010-dispatch.t tests/mda-local/165-sieve-answers.t tests/imap-login/010-commands.t \
	tests/imap/010-session.t tests/pop3/010-commands.t tests/managesieve/010-commands.t tests/mda-remote/010-spool-recv.t tests/mda-remote/090-extensions.t
echo "1..$#"
said=$(JOBS=3 tests/sanitized build/fuzz "$@" 2>&1)
n=0 failed=0
for test in "$@"; do
	n=$((n + 1))
	if echo "$said" | grep -q "$test \.* *ok"; then
		echo "ok $n - $test"
	else
		failed=$((failed + 1))
		echo "not ok $n - $test"
	fi
done
[ $failed = 0 ] || echo "$said" | tail -n 100 | sed 's/^/# /'
echo "# proof: no octet is touched that is not a program's own: sessions of every protocol | $n | $failed"
