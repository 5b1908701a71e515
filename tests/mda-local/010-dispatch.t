#!tests/transcript
# A case per row of the dispatch table (mda-local/commands.c) in each state, and the reader's limits.
run: sh -c 'test $(id -u) != 0 || exec setpriv --reuid=65534 --regid=65534 --clear-groups mda-local; exec mda-local'
env: ASAN_OPTIONS=detect_leaks=0
setup: mkdir -p $T/etc $T/mail $T/run/tmp
setup: echo mx.example.test >$T/etc/me
setup: echo example.test: >$T/etc/domains
setup: printf 'alice@example.test: x\nbob@example.test: x\n' >$T/etc/users
setup: [ "$(id -u)" != 0 ] || chown -R 65534:65534 $T

--- LHLO: names and extensions
S: 220 mx.example.test LMTP
C: LHLO client.test
S: 250-mx.example.test
S: 250-PIPELINING
S: 250-SIZE 68157440
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-ENHANCEDSTATUSCODES
S: 250-DSN
S: 250-REQUIRETLS
S: 250-XREFUSAL
S: 250-XSEALED
S: 250 XFORWARD IDENT
C: lhlo again.test
S+ 250 XFORWARD IDENT
C: LHLO
S~ 501 5\.5\.4 syntax: LHLO name
C: QUIT
S: 221 2.0.0 bye
EOF
EXIT 0

--- before LHLO: what waits and what does not
S+ 220 .*
C: MAIL FROM:<a@b.test>
S: 503 5.5.1 LHLO first
C: RCPT TO:<alice@example.test>
S: 503 5.5.1 LHLO first
C: DATA
S: 503 5.5.1 LHLO first
C! BDAT 5\r\nhello
S: 503 5.5.1 LHLO first
C! BDAT 5 LAST\r\nhello
S: 503 5.5.1 LHLO first
C: XSEALED
S: 503 5.5.1 LHLO first
C: VRFY alice
S: 503 5.5.1 LHLO first
C: XFORWARD IDENT=abc
S: 503 5.5.1 LHLO first
C: RSET
S: 250 2.0.0 forgotten
C: NOOP
S: 250 2.0.0 ok
C: HELO x
S: 500 5.5.1 this is LMTP, use LHLO
C: EHLO x
S: 500 5.5.1 this is LMTP, use LHLO
C: QUIT
S: 221 2.0.0 bye
EOF

--- after LHLO
S+ 220 .*
C: LHLO c
S+ 250 .*
C: RCPT TO:<alice@example.test>
S: 503 5.5.1 not now
C: DATA
S: 503 5.5.1 not now
C! BDAT 2 LAST\r\n\r\n
S: 503 5.5.1 not now
C: XSEALED
S: 503 5.5.1 not now
C: VRFY alice
S: 252 2.5.2 try RCPT
C: VRFY
S~ 501 .*VRFY address
C: NOOP something
S: 250 2.0.0 ok
C: RSET x
S~ 501 .*RSET
C: QUIT x
S~ 501 .*QUIT
C: DATA x
S: 503 5.5.1 not now
C: XFORWARD IDENT=id.1 NAME=x
S: 250 2.0.0 noted
C: XFORWARD IDENT=b/d
S: 501 5.5.4 bad attribute
C: XFORWARD IDENT
S: 501 5.5.4 bad attribute
C: XFORWARD
S~ 501 .*XFORWARD IDENT=id
C: MAIL
S~ 501 .*MAIL FROM:<address> \[parameters\]
C: MAIL TO:<x@y.test>
S~ 501 5\.5\.4 .*
C: MAIL FROM:<a@b.test> NOSUCH=1
S~ 555 5\.5\.4 .*
C: MAIL FROM:<a@b.test> SIZE=68157441
S: 552 5.3.4 message too big
C: MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME
S: 250 2.1.0 sender ok
C: QUIT
S: 221 2.0.0 bye
EOF

--- after MAIL
S+ 220 .*
C: LHLO c
S+ 250 .*
C: MAIL FROM:<>
S: 250 2.1.0 sender ok
C: MAIL FROM:<>
S: 503 5.5.1 not now
C: XFORWARD IDENT=x
S: 503 5.5.1 not now
C: DATA
S: 503 5.5.1 no valid recipients
C! BDAT 3\r\nabc
S: 503 5.5.1 no valid recipients
C: XSEALED
S: 503 5.5.1 not now
C: VRFY x
S: 252 2.5.2 try RCPT
C: NOOP
S: 250 2.0.0 ok
C: HELO x
S: 500 5.5.1 this is LMTP, use LHLO
C: EHLO x
S: 500 5.5.1 this is LMTP, use LHLO
C: RCPT
S~ 501 .*RCPT TO:<address>
C: RCPT TO:<a b>
S~ 501 5\.1\.3 .*
C: RCPT TO:<nobody@example.test>
S: 550 5.1.1 no such user
C: RCPT TO:<alice@elsewhere.test>
S: 550 5.1.2 not a local domain
C: DATA
S: 503 5.5.1 no valid recipients
C: LHLO c
S+ 250 .*
C: RCPT TO:<alice@example.test>
S: 503 5.5.1 not now
C: QUIT
S: 221 2.0.0 bye
EOF

--- BDAT LAST without recipients has no reply (RFC 2033 4.3)
S+ 220 .*
C: LHLO c
S+ 250 .*
C: MAIL FROM:<>
S: 250 2.1.0 sender ok
C! BDAT 3 LAST\r\nabcNOOP\r\n
S: 250 2.0.0 ok
C: MAIL FROM:<>
S: 250 2.1.0 sender ok
C: QUIT
S: 221 2.0.0 bye
EOF

--- after RCPT
S+ 220 .*
C: LHLO c
S+ 250 .*
C: MAIL FROM:<s@b.test>
S: 250 2.1.0 sender ok
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 recipient ok
C: MAIL FROM:<>
S: 503 5.5.1 not now
C: XFORWARD IDENT=x
S: 503 5.5.1 not now
C: VRFY x
S: 252 2.5.2 try RCPT
C: NOOP
S: 250 2.0.0 ok
C: EHLO x
S: 500 5.5.1 this is LMTP, use LHLO
C: HELO x
S: 500 5.5.1 this is LMTP, use LHLO
C: DATA x
S~ 501 .*DATA
C: XSEALED x
S~ 501 .*XSEALED
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 recipient ok
C: RCPT TO:<nobody@example.test>
S: 550 5.1.1 no such user
C: DATA
S~ 354 .*
C! Subject: x\r\n\r\n..dot\r\n.\r\n
S: 250 2.0.0 delivered
S: 250 2.0.0 delivered
sh: grep -qx '\.dot' $T/mail/example.test/alice/Maildir/new/*
sh: grep -qx 'Return-Path: <s@b.test>' $T/mail/example.test/bob/Maildir/new/*
sh: grep -qx 'Delivered-To: bob@example.test' $T/mail/example.test/bob/Maildir/new/*
C: RSET
S: 250 2.0.0 forgotten
C: DATA
S: 503 5.5.1 not now
C: QUIT
S: 221 2.0.0 bye
EOF

--- RSET forgets recipients
S+ 220 .*
C: LHLO c
S+ 250 .*
C: MAIL FROM:<s@b.test>
S: 250 2.1.0 sender ok
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 recipient ok
C: RSET
S: 250 2.0.0 forgotten
C: MAIL FROM:<s@b.test>
S: 250 2.1.0 sender ok
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 recipient ok
C: DATA
S~ 354 .*
C! x\r\n.\r\n
S: 250 2.0.0 delivered
sh: test ! -e $T/mail/example.test/alice/Maildir/new/1* && test "$(ls $T/mail/example.test/bob/Maildir/new | wc -l)" = 1
C: QUIT
S: 221 2.0.0 bye
EOF

--- BDAT in chunks, and what is refused while they come
S+ 220 .*
C: LHLO c
S+ 250 .*
C: MAIL FROM:<s@b.test>
S: 250 2.1.0 sender ok
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 recipient ok
C! BDAT 12\r\nSubject: x\r\n
S: 250 2.0.0 chunk taken
C: RCPT TO:<bob@example.test>
S: 503 5.5.1 not now
C: MAIL FROM:<>
S: 503 5.5.1 not now
C: DATA
S: 503 5.5.1 not now
C: XFORWARD IDENT=x
S: 503 5.5.1 not now
C: VRFY x
S: 252 2.5.2 try RCPT
C: NOOP
S: 250 2.0.0 ok
C: HELO x
S: 500 5.5.1 this is LMTP, use LHLO
C: EHLO x
S: 500 5.5.1 this is LMTP, use LHLO
C! BDAT 6\r\n\r\n.\r\na
S: 250 2.0.0 chunk taken
C! bdat 1 last\r\nb
S: 250 2.0.0 delivered
sh: printf 'Return-Path: <s@b.test>\nDelivered-To: alice@example.test\nSubject: x\n\n.\nab\n' | cmp - $T/mail/example.test/alice/Maildir/new/*
C: MAIL FROM:<s@b.test>
S: 250 2.1.0 sender ok
C: RCPT TO:<bob@example.test>
S: 250 2.1.5 recipient ok
C! BDAT 3\r\na\r\n
S: 250 2.0.0 chunk taken
C: RSET
S: 250 2.0.0 forgotten
C! BDAT 0 LAST\r\n
S: 503 5.5.1 not now
sh: test ! -e $T/mail/example.test/bob/Maildir/new/1*
C: QUIT
S: 221 2.0.0 bye
EOF

--- BDAT with a bad size ends the connection: what follows could not be told from commands
S+ 220 .*
C: LHLO c
S+ 250 .*
C: BDAT x
S: 501 5.5.4 syntax: BDAT size [LAST]
EOF

--- BDAT without a size, and with a bad word
S+ 220 .*
C: BDAT
S: 501 5.5.4 syntax: BDAT size [LAST]
EOF

--- BDAT with a bad word
S+ 220 .*
C: BDAT 1 FIRST
S: 501 5.5.4 syntax: BDAT size [LAST]
EOF

--- BDAT with a size beyond all
S+ 220 .*
C: BDAT 99999999999999999999999
S: 501 5.5.4 syntax: BDAT size [LAST]
EOF

--- pipelined (RFC 2920), replies in order
S+ 220 .*
C! LHLO c\r\nMAIL FROM:<s@b.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<no@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n
S+ 250 XFORWARD IDENT
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 550 5.1.1 no such user
S: 250 2.1.5 recipient ok
S~ 354 .*
C! a\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n
S: 250 2.0.0 delivered
S: 250 2.0.0 delivered
S: 250 2.1.0 sender ok
S: 221 2.0.0 bye
EOF
EXIT 0

--- only CR LF . CR LF ends a message; a bare LF is a line end, a bare CR a blank
S+ 220 .*
C: LHLO c
S+ 250 .*
C: MAIL FROM:<s@b.test>
S: 250 2.1.0 sender ok
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 recipient ok
C: DATA
S~ 354 .*
C! a\n.\nb\r.\r\nc\n.\r\nd\r\n.\r\n
S: 250 2.0.0 delivered
C: QUIT
S: 221 2.0.0 bye
EOF
sh: printf 'Return-Path: <s@b.test>\nDelivered-To: alice@example.test\na\n.\nb .\nc\n.\nd\n' | cmp - $T/mail/example.test/alice/Maildir/new/*

--- bad input: unknown commands, controls, too many errors
S+ 220 .*
C: GET / HTTP/1.0
S: 500 5.5.2 unknown command
C! NO\x00OP\r\n
S: 500 5.5.2 control character in command
C! \x01\r\n
S: 500 5.5.2 control character in command
C: NOOP
S: 250 2.0.0 ok
C! x\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\n
S+ 421 4.7.0 too many errors, closing
EOF
EXIT 0

--- the end in the middle of a message: nothing is delivered
S+ 220 .*
C: LHLO c
S+ 250 .*
C: MAIL FROM:<s@b.test>
S: 250 2.1.0 sender ok
C: RCPT TO:<alice@example.test>
S: 250 2.1.5 recipient ok
C: DATA
S~ 354 .*
C! Subject: x\r\n
END
EOF
EXIT 0
sh: test ! -e $T/mail/example.test/alice/Maildir/new/1*
