#!tests/transcript
# RFC 2033 4.2: its example; the words behind the codes are this server's, and who is over quota is green.
run: sh -c 'test $(id -u) != 0 || exec setpriv --reuid=65534 --regid=65534 --clear-groups mda-local; exec mda-local'
env: ASAN_OPTIONS=detect_leaks=0
setup: mkdir -p $T/etc $T/mail/foo.edu/green $T/run/tmp
setup: echo foo.edu >$T/etc/me; echo foo.edu: >$T/etc/domains
setup: printf 'pat@foo.edu: x\ngreen@foo.edu: x::::::userdb_quota_rule=*:bytes=10\n' >$T/etc/users
setup: [ "$(id -u)" != 0 ] || chown -R 65534:65534 $T
--- RFC 2033 4.2: a reply for each recipient that was taken
S: 220 foo.edu LMTP
C: LHLO foo.edu
S+ 250 .*
C! MAIL FROM:<chris@bar.com>\r\nRCPT TO:<pat@foo.edu>\r\nRCPT TO:<jones@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\nDATA\r\n
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 550 5.1.1 no such user
S: 250 2.1.5 recipient ok
S~ 354 .*
C: Blah blah blah...
C: ...etc. etc. etc.
C: .
S: 250 2.0.0 delivered
S: 452 4.2.2 mailbox full
C: QUIT
S~ 221 .*
EOF
EXIT 0
sh: grep -rq '^Blah blah blah...$' mail/foo.edu/pat/Maildir/new
sh: ! grep -rq Blah mail/foo.edu/green
--- RFC 2033 4.2.1: DATA with no recipient taken
S+ 220 .*
C: LHLO foo.edu
S+ 250 .*
C! MAIL FROM:<chris@bar.com>\r\nRCPT TO:<jones@foo.edu>\r\nDATA\r\n
S: 250 2.1.0 sender ok
S: 550 5.1.1 no such user
S~ 503 .*
