#!tests/transcript
# pop3: every row of its table.
run: pop3
env: MAILDIR=$T/Maildir
setup: mkdir -p Maildir/cur Maildir/new Maildir/tmp
setup: printf 'Subject: one\n\nfirst\n.dot\n..two dots\n' >Maildir/new/1000000001.M1P1.host
setup: printf 'Subject: two\r\n\r\nsecond\r\n.\r\n' >'Maildir/cur/1000000002.M1P1.host:2,S'
setup: printf 'Subject: three\n\n\n\nno end' >'Maildir/cur/1000000003.M1P1.host:2,'
--- greeting, STAT, QUIT
S: +OK postern ready, logged in already
C: STAT
S: +OK 3 96
C: STAT x
S: -ERR No argument allowed, usage: STAT
C: QUIT now
S: -ERR No argument allowed, usage: QUIT
C: QUIT
S: +OK Bye
EOF
EXIT 0
--- CAPA
S+ \+OK.*
C: CAPA
S: +OK Capabilities follow
S: TOP
S: UIDL
S: PIPELINING
S: RESP-CODES
S: AUTH-RESP-CODE
S: EXPIRE NEVER
S: UTF8 USER
S: IMPLEMENTATION postern
S: .
--- LIST
S+ \+OK.*
C: LIST
S: +OK
S: 1 41
S: 2 27
S: 3 28
S: .
C: LIST 2
S: +OK 2 27
C: LIST 0
S: -ERR No such message
C: LIST 4
S: -ERR No such message
C: LIST 2 2
S: -ERR No such message
C: LIST -1
S: -ERR No such message
C: LIST 99999999999999999999
S: -ERR No such message
--- RETR: dots are doubled, lines end in CR LF, a last line without end gets one
S+ \+OK.*
C: RETR 1
S: +OK 41 octets
S: Subject: one
S: 
S: first
S: ..dot
S: ...two dots
S: .
C: RETR 2
S: +OK 27 octets
S: Subject: two
S: 
S: second
S: ..
S: .
C: RETR 3
S: +OK 28 octets
S: Subject: three
S: 
S: 
S: 
S: no end
S: .
C: RETR
S: -ERR Argument missing, usage: RETR message
C: RETR 1 2
S: -ERR No such message
C: RETR x
S: -ERR No such message
--- TOP
S+ \+OK.*
C: TOP 1 0
S: +OK
S: Subject: one
S: 
S: .
C: TOP 1 2
S: +OK
S: Subject: one
S: 
S: first
S: ..dot
S: .
C: TOP 2 1
S: +OK
S: Subject: two
S: 
S: second
S: .
C: TOP 3 2
S: +OK
S: Subject: three
S: 
S: 
S: 
S: .
C: TOP 3 4294967295
S: +OK
S: Subject: three
S: 
S: 
S: 
S: no end
S: .
C: TOP 1
S: -ERR Bad argument, usage: TOP message lines
C: TOP
S: -ERR Argument missing, usage: TOP message lines
C: TOP 9 1
S: -ERR No such message
C: TOP 1 -1
S: -ERR Bad argument, usage: TOP message lines
--- UIDL: Dovecot's default form, the same in the next session
S+ \+OK.*
C: UIDL
S: +OK
S~ 1 00000001(?P<v>[0-9a-f]{8})
S: 2 00000002$v
S: 3 00000003$v
S: .
C: UIDL 3
S: +OK 3 00000003$v
C: UIDL 4
S: -ERR No such message
sh: printf 'UIDL 2\r\nQUIT\r\n' | pop3 2>/dev/null | grep "2 00000002$v"
--- DELE, RSET, and numbers that stay
S+ \+OK.*
C: DELE
S: -ERR Argument missing, usage: DELE message
C: DELE 2
S: +OK Marked to be deleted
C: DELE 2
S: -ERR That message is marked as deleted
C: RETR 2
S: -ERR That message is marked as deleted
C: LIST 2
S: -ERR That message is marked as deleted
C: UIDL 2
S: -ERR That message is marked as deleted
C: TOP 2 0
S: -ERR That message is marked as deleted
C: STAT
S: +OK 2 69
C: LIST
S: +OK
S: 1 41
S: 3 28
S: .
C: RSET
S: +OK Nothing is marked as deleted
C: STAT
S: +OK 3 96
C: RSET x
S: -ERR No argument allowed, usage: RSET
--- deleted at QUIT, not before; what was read becomes seen
S+ \+OK.*
C: DELE 1
S: +OK Marked to be deleted
C: RETR 3
S+ \.
sh: ls Maildir/*/1000000001*
C: QUIT
S: +OK Bye
EOF
EXIT 0
sh: ! ls Maildir/*/1000000001* 2>/dev/null
sh: ls Maildir/cur/1000000002*:2,S Maildir/cur/1000000003*:2,S
--- a connection that breaks removes nothing
S+ \+OK.*
C: DELE 1
S: +OK Marked to be deleted
END
EOF
EXIT 0
sh: ls Maildir/*/1000000001*
--- DELE and RSET, then QUIT
S+ \+OK.*
C! DELE 1\r\nDELE 2\r\nRSET\r\nDELE 3\r\nQUIT\r\n
S+ \+OK Bye
EOF
sh: ls Maildir/*/1000000001* Maildir/cur/1000000002*
sh: ! ls Maildir/*/1000000003* 2>/dev/null
--- NOOP
S+ \+OK.*
C: NOOP
S: +OK
C: NOOP x
S: -ERR No argument allowed, usage: NOOP
--- commands of the state before, unknown ones, controls
S+ \+OK.*
C: USER alice
S: -ERR Unknown command
C: STLS
S: -ERR Unknown command
C: 
S: -ERR Unknown command
C! ST\x00AT\r\n
S: -ERR Control characters are not allowed
C! stat\n
S: +OK 3 96
--- pipelining (RFC 2449 6.6)
S+ \+OK.*
C! STAT\r\nLIST 1\r\nRETR 2\r\nDELE 2\r\nNOOP\r\nQUIT\r\n
S: +OK 3 96
S: +OK 1 41
S: +OK 27 octets
S+ \.
S: +OK Marked to be deleted
S: +OK
S: +OK Bye
EOF
--- an empty mailbox, a missing one
setup: rm -r Maildir
S+ \+OK.*
C: STAT
S: +OK 0 0
C: LIST
S: +OK
S: .
C: UIDL
S: +OK
S: .
C: RETR 1
S: -ERR No such message
C: QUIT
S: +OK Bye
--- messages that others remove, rename or bring while the session lasts
S+ \+OK.*
sh: rm Maildir/new/1000000001* Maildir/cur/1000000001* 2>/dev/null || true
sh: mv Maildir/cur/1000000002* 'Maildir/cur/1000000002.M1P1.host:2,FS'
sh: printf 'Subject: four\n\nx\n' >Maildir/new/1000000004.M1P1.host
C: STAT
S~ \+OK 3 .*
C: RETR 1
S: -ERR [SYS/TEMP] Another program has removed that message
C: RETR 2
S: +OK 27 octets
S+ \.
C: TOP 2 0
S: +OK
S+ \.
C: DELE 1
S: +OK Marked to be deleted
C: DELE 2
S: +OK Marked to be deleted
C: LIST 4
S: -ERR No such message
C: QUIT
S: +OK Bye
EOF
sh: ls Maildir/*/1000000004*
sh: ! ls Maildir/cur/1000000002* 2>/dev/null
--- what cannot be removed is told (RFC 1939 6)
S+ \+OK.*
C: DELE 2
S: +OK Marked to be deleted
sh: chmod 500 Maildir/cur; [ "$(id -u)" != 0 ] || chattr +i Maildir/cur
C: QUIT
S: -ERR [SYS/TEMP] Some messages could not be removed
EOF
sh: chattr -i Maildir/cur || true; chmod 700 Maildir/cur
--- pop3-timeout: the end without a word, nothing removed (RFC 1939 3)
setup: echo 1 >etc/pop3-timeout
S+ \+OK.*
C: DELE 1
S: +OK Marked to be deleted
EOF
EXIT 0
sh: ls Maildir/*/1000000001*
--- a bad setting
setup: echo never >etc/pop3-timeout
EOF
EXIT 100
--- usage
run: pop3 x
EOF
EXIT 100
--- no Maildir can be made
env: MAILDIR=/dev/null/x
EOF
EXIT 111
