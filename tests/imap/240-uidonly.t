#!tests/transcript
# UIDONLY (RFC 9586): off unless the setting turns it on.
env: MAILDIR=$T/Maildir
run: imap
setup: mkdir -p etc; for d in . .to; do mkdir -p Maildir/$d/new Maildir/$d/cur Maildir/$d/tmp; done
setup: for n in 1 2 3; do printf 'Subject: %s\n\nbody\n' $n >Maildir/cur/$n.x:2,; done
--- off: not told, and not enabled
S+ \* PREAUTH .*
C: a1 ENABLE UIDONLY
S: * ENABLED
S: a1 OK ENABLE completed.
C: a2 SELECT INBOX
S+ a2 OK .*
C: a3 FETCH 1 UID
S: * 1 FETCH (UID 1)
S: a3 OK FETCH completed.
--- commands with sequence numbers are BAD [UIDREQUIRED] (3.2, 3.5)
setup: echo +UIDONLY >etc/imap-capabilities
S~ \* PREAUTH .* UIDONLY.*
C: a1 ENABLE UIDONLY QRESYNC
S: * ENABLED UIDONLY QRESYNC
S: a1 OK ENABLE completed.
C: a2 SELECT INBOX (QRESYNC (1 1 1:3 (1 1)))
S: a2 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: a3 SELECT INBOX
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S+ \* 3 EXISTS
S: * 0 RECENT
S~ \* OK \[UIDVALIDITY .*
S+ a3 OK \[READ-WRITE\] SELECT completed\.
C: b1 FETCH 1 FLAGS
S: b1 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: b2 STORE 1 FLAGS (\Seen)
S: b2 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: b3 COPY 1 to
S: b3 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: b4 MOVE 1 to
S: b4 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: b5 SEARCH ALL
S: b5 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: b6 UID SEARCH 1:2
S: b6 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: b7 UID SEARCH NOT (OR UID 1 2)
S: b7 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: b8 SORT (DATE) UTF-8 ALL
S: b8 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: b9 THREAD REFERENCES UTF-8 ALL
S: b9 BAD [UIDREQUIRED] Sequence numbers cannot be used
C: c1 UID SEARCH UID 2:*
S: * SEARCH 2 3
S: c1 OK UID SEARCH completed.
--- UIDFETCH instead of FETCH (3.3), VANISHED instead of EXPUNGE (3.4), in every command
setup: echo +UIDONLY >etc/imap-capabilities
S+ \* PREAUTH .*
C: a1 ENABLE UIDONLY
S+ a1 OK .*
C: a2 SELECT INBOX
S+ a2 OK .*
C: a3 UID FETCH 2:* FLAGS
S: * 2 UIDFETCH (FLAGS ())
S: * 3 UIDFETCH (FLAGS ())
S: a3 OK UID FETCH completed.
C: a4 UID FETCH 2 (UID RFC822.SIZE)
S: * 2 UIDFETCH (UID 2 RFC822.SIZE 20)
S: a4 OK UID FETCH completed.
C: a5 UID STORE 1,3 +FLAGS (\Deleted)
S: * 1 UIDFETCH (FLAGS (\Deleted))
S: * 3 UIDFETCH (FLAGS (\Deleted))
S: a5 OK UID STORE completed.
C: a6 UID EXPUNGE 1
S: * VANISHED 1
S: a6 OK UID EXPUNGE completed.
C: a7 UID FETCH 3 BODY[TEXT]
S: * 3 UIDFETCH (BODY[TEXT] {6}
S: body
S:  FLAGS (\Deleted \Seen))
S: a7 OK UID FETCH completed.
C: a8 UID MOVE 2 to
S~ \* OK \[COPYUID \d+ 2 1\] Moved\.
S: * VANISHED 2
S: a8 OK UID MOVE completed.
C: a9 EXPUNGE
S: * VANISHED 3
S: a9 OK EXPUNGE completed.
sh: printf 'Subject: 4\n\nbody\n' >Maildir/cur/4.x:2,S
C: b1 NOOP
S: * 1 EXISTS
S: * 0 RECENT
S: b1 OK NOOP completed.
sh: mv Maildir/cur/4.x:2,S Maildir/cur/4.x:2,FS
C: b2 NOOP
S: * 4 UIDFETCH (FLAGS (\Flagged \Seen))
S: b2 OK NOOP completed.
C: b3 UID SEARCH RETURN (COUNT ALL) FLAGGED
S: * ESEARCH (TAG "b3") UID ALL 4 COUNT 1
S: b3 OK UID SEARCH completed.
