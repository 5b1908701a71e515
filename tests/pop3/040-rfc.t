#!tests/transcript
# The RFCs' own examples, as far as they are dialogs after login; the words behind +OK are this server's.
run: pop3
env: MAILDIR=$T/Maildir
setup: mkdir -p Maildir/cur Maildir/new Maildir/tmp
setup: awk 'BEGIN { printf "Subject: 1\n\n"; for (i = 0; i < 104; i++) printf "x"; printf "\n" }' >Maildir/new/1000000001.M1P1.host
setup: awk 'BEGIN { printf "Subject: 2\n\n"; for (i = 0; i < 184; i++) printf "y"; printf "\n" }' >Maildir/new/1000000002.M1P1.host
--- RFC 1939 section 10: a session
S+ \+OK.*
C: STAT
S: +OK 2 320
C: LIST
S: +OK
S: 1 120
S: 2 200
S: .
C: RETR 1
S: +OK 120 octets
S: Subject: 1
S: 
S~ x{104}
S: .
C: DELE 1
S: +OK Marked to be deleted
C: RETR 2
S: +OK 200 octets
S: Subject: 2
S: 
S~ y{184}
S: .
C: DELE 2
S: +OK Marked to be deleted
C: QUIT
S: +OK Bye
EOF
EXIT 0
sh: test -z "$(ls Maildir/new Maildir/cur | grep host)"
--- RFC 1939 section 5: LIST of one, of all, of none
S+ \+OK.*
C: LIST 2
S: +OK 2 200
C: LIST 3
S: -ERR No such message
--- RFC 1939 section 5: DELE twice, RSET
S+ \+OK.*
C: DELE 1
S: +OK Marked to be deleted
C: DELE 1
S~ -ERR .*
C: STAT
S: +OK 1 200
C: RSET
S+ \+OK.*
C: STAT
S: +OK 2 320
C: NOOP
S+ \+OK.*
--- RFC 1939 section 7: TOP, and of a message that is not there
S+ \+OK.*
C: TOP 1 10
S+ \+OK.*
S: Subject: 1
S: 
S~ x{104}
S: .
C: TOP 100 3
S: -ERR No such message
--- RFC 2449 section 6.6: one packet of commands
S+ \+OK.*
C! RETR 1\r\nDELE 1\r\nRETR 2\r\nQUIT\r\n
S: +OK 120 octets
S: Subject: 1
S: 
S~ x{104}
S: .
S: +OK Marked to be deleted
S: +OK 200 octets
S: Subject: 2
S: 
S~ y{184}
S: .
S: +OK Bye
EOF
