#!tests/transcript
# The session itself: greeting, commands of every state, bad input, limits.
env: MAILDIR=$T/Maildir
run: imap
--- greeting without a login program, CAPABILITY, LOGOUT
S~ \* PREAUTH \[CAPABILITY (?P<caps>IMAP4rev1 .*)\] postern ready\.
C: a1 CAPABILITY
S~ \* CAPABILITY IMAP4rev1 .*
S: a1 OK CAPABILITY completed.
C: a2 LOGOUT
S: * BYE Logging out.
S: a2 OK LOGOUT completed.
END
EOF
EXIT 0
--- the client just leaves
S+ \* PREAUTH .*
END
EOF
EXIT 0
--- NOOP, CHECK, ID, ENABLE, NAMESPACE
S+ \* PREAUTH .*
C: a NOOP
S: a OK NOOP completed.
C: b ID NIL
S: * ID ("name" "postern")
S: b OK ID completed.
C: c ID ("name" "Mutt" "version" NIL "os" "plan 9")
S: * ID ("name" "postern")
S: c OK ID completed.
C: d ID ()
S: * ID ("name" "postern")
S: d OK ID completed.
C: e ENABLE X-FOO
S: * ENABLED
S: e OK ENABLE completed.
C: f ENABLE
S: f BAD ENABLE: Missing argument.
C: g NAMESPACE
S: * NAMESPACE (("" ".")) NIL NIL
S: g OK NAMESPACE completed.
C: h ID ("a")
S: h BAD ID: Missing argument.
C: i CHECK
S: i BAD CHECK: No mailbox is selected.
C: j noop
S: j OK NOOP completed.
--- other separator and prefix
setup: echo / >$T/etc/imap-separator; echo INBOX/ >$T/etc/imap-prefix
S+ \* PREAUTH .*
C: g NAMESPACE
S: * NAMESPACE (("INBOX/" "/")) NIL NIL
S: g OK NAMESPACE completed.
--- a bad separator
setup: echo : >$T/etc/imap-separator
EOF
EXIT 100
--- a bad prefix
setup: echo Mail/ >$T/etc/imap-prefix
EOF
EXIT 100
--- a Maildir that cannot be
setup: touch $T/Maildir
EOF
EXIT 111
--- every command that needs a selected mailbox says so
S+ \* PREAUTH .*
C: 1 CHECK
S: 1 BAD CHECK: No mailbox is selected.
C: 2 CLOSE
S: 2 BAD CLOSE: No mailbox is selected.
C: 3 UNSELECT
S: 3 BAD UNSELECT: No mailbox is selected.
C: 4 EXPUNGE
S: 4 BAD EXPUNGE: No mailbox is selected.
C: 5 UID EXPUNGE 1
S: 5 BAD UID EXPUNGE: No mailbox is selected.
C: 6 SEARCH ALL
S: 6 BAD SEARCH: No mailbox is selected.
C: 7 UID SEARCH ALL
S: 7 BAD UID SEARCH: No mailbox is selected.
C: 8 FETCH 1 ALL
S: 8 BAD FETCH: No mailbox is selected.
C: 9 UID FETCH 1 ALL
S: 9 BAD UID FETCH: No mailbox is selected.
C: 10 STORE 1 FLAGS ()
S: 10 BAD STORE: No mailbox is selected.
C: 11 UID STORE 1 FLAGS ()
S: 11 BAD UID STORE: No mailbox is selected.
C: 12 COPY 1 x
S: 12 BAD COPY: No mailbox is selected.
C: 13 UID COPY 1 x
S: 13 BAD UID COPY: No mailbox is selected.
C: 14 MOVE 1 x
S: 14 BAD MOVE: No mailbox is selected.
C: 15 UID MOVE 1 x
S: 15 BAD UID MOVE: No mailbox is selected.
--- commands of the time before login
S+ \* PREAUTH .*
C: 1 LOGIN a b
S: 1 BAD LOGIN: Already logged in.
C: 2 AUTHENTICATE PLAIN
S: 2 BAD AUTHENTICATE: Already logged in.
C: 3 STARTTLS
S: 3 BAD STARTTLS: Already logged in.
--- what is no command
S+ \* PREAUTH .*
C: a1
S: a1 BAD Missing argument.
C: 
S: * BAD Invalid tag.
C: a2 FOO bar
S: a2 BAD Unknown command.
C: a3 UID
S: a3 BAD Missing argument.
C: a4 UID NOOP
S: a4 BAD Unknown command.
C: a5  NOOP
S: a5 BAD Word expected.
C: a6 NOOP x
S: a6 BAD NOOP: Unexpected text behind the command.
C: + NOOP
S: * BAD Invalid tag.
C! a7 SELECT "a\x00b"\r\n
S: a7 BAD SELECT: Control character in a quoted string.
C: a8 SELECT "a\b"
S: a8 BAD SELECT: Invalid escape in a quoted string.
C: a9 SELECT "a
S: a9 BAD SELECT: Missing '"'.
C: b1 SELECT
S: b1 BAD SELECT: Missing argument.
C: b2 SELECT {3
S: b2 BAD SELECT: Invalid literal.
C: b3 SELECT {99999999999999999999}
S: b3 BAD SELECT: Invalid literal.
C: b4 noop
S: b4 OK NOOP completed.
--- literals: synchronizing, not synchronizing, too large, with a NUL, and what follows a refused one
S+ \* PREAUTH .*
C: a1 STATUS {5}
S: + OK
C: INBOX (MESSAGES)
S: * STATUS INBOX (MESSAGES 0)
S: a1 OK STATUS completed.
C! a2 STATUS {5+}\r\nINBOX (MESSAGES)\r\n
S: * STATUS INBOX (MESSAGES 0)
S: a2 OK STATUS completed.
C: a3 STATUS {65537}
S: a3 BAD [TOOBIG] Literal too long
C! a4 FOO {4+}\r\nevil x {3+}\r\nabc\r\na5 NOOP\r\n
S: a4 BAD Unknown command.
S: a5 OK NOOP completed.
C! a6 STATUS {3+}\r\na\x00b (MESSAGES)\r\n
S: a6 BAD STATUS: NUL in a literal.
C! a7 NOOP {5}\r\n
S: a7 BAD NOOP: Unexpected text behind the command.
C: a8 FOO {9999999999+}
S: a8 BAD Unknown command.
S: * BYE The command's rest cannot be skipped.
EOF
--- too many bad commands in a row
S+ \* PREAUTH .*
C! a\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng\r\nh\r\ni\r\nj\r\nk\r\nl\r\nm\r\nn\r\no\r\np\r\nq\r\nr\r\ns\r\nt\r\nu\r\nv NOOP\r\n
S+ u BAD .*
S: * BYE Too many invalid commands.
EOF
--- many commands in one go
S+ \* PREAUTH .*
C! a NOOP\r\nb SELECT INBOX\r\nc NOOP\r\nd FETCH 1:* FLAGS\r\ne LOGOUT\r\nf NOOP\r\n
S: a OK NOOP completed.
S+ b OK \[READ-WRITE\] SELECT completed\.
S: c OK NOOP completed.
S: d BAD FETCH: Invalid message number.
S: * BYE Logging out.
S: e OK LOGOUT completed.
EOF
