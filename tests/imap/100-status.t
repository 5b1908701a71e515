#!tests/transcript
# STATUS items of RFC 7162, 7889, 8438, 8474 and 9208; the mailbox's id; OLDNAME.
env: MAILDIR=$T/Maildir
run: imap
setup: mkdir -p $T/etc Maildir/cur Maildir/new Maildir/tmp; echo 12345 >etc/imap-append-limit
setup: printf 'Subject: x\n\ny\n' >Maildir/cur/1.M1.x:2,S; printf 'Subject: z\n\n12\n' >Maildir/cur/2.M1.x:2,ST
--- RFC 8438 section 5, RFC 9208 4.1.4, RFC 7889 section 4: SIZE, DELETED, DELETED-STORAGE, APPENDLIMIT
S+ \* PREAUTH .*
C: a STATUS INBOX (MESSAGES UNSEEN SIZE DELETED DELETED-STORAGE APPENDLIMIT)
S: * STATUS INBOX (MESSAGES 2 UNSEEN 0 SIZE 35 DELETED 1 DELETED-STORAGE 15 APPENDLIMIT 12345)
S: a OK STATUS completed.
C: b STATUS INBOX (NOSUCH)
S: b BAD STATUS: Unknown status item.
--- RFC 7162 3.1.6: HIGHESTMODSEQ
S+ \* PREAUTH .*
C: 0 SELECT INBOX
S+ 0 OK .*
C: 1 UNSELECT
S: 1 OK UNSELECT completed.
sh: timeout 15 sh -c 'until test -e Maildir/postern-index.log; do :; done'
C: a STATUS INBOX (HIGHESTMODSEQ UIDNEXT)
S~ \* STATUS INBOX \(UIDNEXT 3 HIGHESTMODSEQ (?P<m>[1-9][0-9]+)\)
S: a OK STATUS completed.
C: b STATUS INBOX (HIGHESTMODSEQ)
S~ \* STATUS INBOX \(HIGHESTMODSEQ $m\)
S: b OK STATUS completed.
--- RFC 8474 4.3: MAILBOXID stays, also through a RENAME, and is another's in another mailbox
S+ \* PREAUTH .*
C: a CREATE foo
S~ a OK \[MAILBOXID \((?P<id>[0-9a-f]{32})\)\] CREATE completed.
C: a2 SELECT foo
S+ \* OK \[MAILBOXID \($id\)\] .*
S+ a2 OK .*
C: b STATUS foo (MAILBOXID)
S~ \* STATUS foo \(MAILBOXID \($id\)\)
S: b OK STATUS completed.
C: c RENAME foo renamed
S: c OK RENAME completed.
C: d STATUS renamed (MESSAGES MAILBOXID)
S~ \* STATUS renamed \(MESSAGES 0 MAILBOXID \($id\)\)
S: d OK STATUS completed.
C: e CREATE foo
S~ e OK .*CREATE completed.
C: f STATUS foo (MAILBOXID)
S~ \* STATUS foo \(MAILBOXID \((?!$id)[0-9a-f]{32}\)\)
S: f OK STATUS completed.
--- the number of folders is limited: NO [LIMIT] (RFC 5530)
setup: i=0; while [ $i -lt 10000 ]; do echo Maildir/.f$i; i=$((i+1)); done | xargs mkdir
S+ \* PREAUTH .*
C: a CREATE onemore
S~ a NO \[LIMIT\] .*
C: b LIST "" onemore
S: b OK LIST completed.
