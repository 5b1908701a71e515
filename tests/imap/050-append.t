#!tests/transcript
# APPEND (RFC 3501 6.3.11, RFC 4315 section 3): flags, date, streams, and what is refused.
env: MAILDIR=$T/Maildir
env: TZ=UTC
run: imap
--- flags and date, line ends, APPENDUID, the selected mailbox is told
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 APPEND INBOX (\Seen $Work) " 7-Feb-1994 21:52:25 -0800" {24}
S: + OK
C! Subject: hi\r\n\r\nline\r\n\r\n\r\n
S: * 1 EXISTS
S~ \* \d RECENT
S~ a1 OK \[APPENDUID \d+ 1\] APPEND completed\.
C: a2 FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)
S: * 1 FETCH (FLAGS (\Seen $Work) INTERNALDATE " 8-Feb-1994 05:52:25 +0000" RFC822.SIZE 24)
S: a2 OK FETCH completed.
sh: test "$(wc -c <$(ls Maildir/cur/*))" = 20
--- LITERAL+ and pieces
S+ \* PREAUTH .*
C! a1 APPEND INBOX {11+}\r\nA: b\r
C! \n\r
C! \nx\ry\r\na2 NOOP\r\n
S~ a1 OK \[APPENDUID \d+ 1\] APPEND completed\.
S: a2 OK NOOP completed.
sh: printf 'A: b\n\nx\ry' | cmp - Maildir/new/*
--- TRYCREATE, before and after the message was sent
S+ \* PREAUTH .*
C: a1 APPEND nothere {10}
S: a1 NO [TRYCREATE] No such mailbox.
C! a2 APPEND nothere {10+}\r\n0123456789\r\na3 NOOP\r\n
S: a2 NO [TRYCREATE] No such mailbox.
S: a3 OK NOOP completed.
C: a4 APPEND "&" {10}
S: a4 NO [CANNOT] Not a name that a mailbox can have.
--- too big
setup: echo 1K >etc/imap-append-limit
S+ \* PREAUTH .*
C: a1 APPEND INBOX {1025}
S: a1 NO [TOOBIG] The message is larger than this server takes.
C: a2 NOOP
S: a2 OK NOOP completed.
--- all messages of one command together (LIMIT_APPEND_TIMES)
setup: echo 10 >etc/imap-append-limit
S+ \* PREAUTH .*
C! a1 APPEND INBOX {10+}\r\nA: b\r\n\r\nxy {10+}\r\nA: b\r\n\r\nxy {10+}\r\nA: b\r\n\r\nxy {10+}\r\nA: b\r\n\r\nxy\r\n
S~ a1 OK \[APPENDUID .*
C! a2 APPEND INBOX {10+}\r\nA: b\r\n\r\nxy {10+}\r\nA: b\r\n\r\nxy {10+}\r\nA: b\r\n\r\nxy {10+}\r\nA: b\r\n\r\nxy {1}\r\n
S: a2 NO [LIMIT] Too many messages for one command.
--- over quota
setup: mkdir -p Maildir/new Maildir/cur Maildir/tmp; printf '100S\n' >Maildir/maildirsize
S+ \* PREAUTH .*
C: a1 APPEND INBOX {101}
S: a1 NO [OVERQUOTA] The mailbox is full.
C! a2 APPEND INBOX {7+}\r\nA: b\r\n\r\r\n
S~ a2 OK \[APPENDUID .*
--- what is wrong
S+ \* PREAUTH .*
C: a1 APPEND INBOX
S: a1 BAD APPEND: Missing argument.
C: a2 APPEND INBOX x
S: a2 BAD APPEND: Invalid literal.
C: a3 APPEND INBOX (\Foo) {3}
S: a3 BAD APPEND: Invalid system flag.
C: a4 APPEND INBOX "yesterday" {3}
S: a4 BAD APPEND: Invalid date.
C! a5 APPEND INBOX {3+}\r\nabc x\r\n
S: a5 BAD APPEND: Invalid literal.
C: a6 STATUS INBOX (MESSAGES)
S: * STATUS INBOX (MESSAGES 0)
S: a6 OK STATUS completed.
sh: test -z "$(ls Maildir/tmp)"
--- the client goes away in the middle
S+ \* PREAUTH .*
C! a1 APPEND INBOX {100+}\r\nabc
END
EOF
EXIT 0
sh: test -z "$(find Maildir -type f -path "*/tmp/*" -o -path "*/new/*")"
