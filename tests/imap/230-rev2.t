#!tests/transcript
# IMAP4rev2 (RFC 9051) beside IMAP4rev1: what ENABLE IMAP4rev2 changes (Appendix A and E).
env: MAILDIR=$T/Maildir
run: imap
setup: for d in . .to .Entw\&APw-rfe; do mkdir -p Maildir/$d/new Maildir/$d/cur Maildir/$d/tmp; done
setup: for n in 1 2 3; do printf 'Subject: %s\n\nbody\n' $n >Maildir/new/$n.x; done
--- SELECT: LIST, no RECENT, no UNSEEN, CLOSED (6.3.2, 7.1)
S~ \* PREAUTH \[CAPABILITY IMAP4rev1 IMAP4rev2 .*
C: a1 ENABLE IMAP4rev2
S: * ENABLED IMAP4rev2
S: a1 OK ENABLE completed.
C: a2 SELECT inbox
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 3 EXISTS
S~ \* LIST \(\\HasNoChildren \\(Un)?Marked\) "\." INBOX
S~ \* OK \[UIDVALIDITY \d+\] UIDs valid
S: * OK [UIDNEXT 4] Predicted next UID
S~ \* OK \[MAILBOXID .*
S: a2 OK [READ-WRITE] SELECT completed.
C: a3 FETCH 1 FLAGS
S: * 1 FETCH (FLAGS ())
S: a3 OK FETCH completed.
C: a4 EXAMINE to
S: * OK [CLOSED] The mailbox selected before is closed.
S+ \* LIST \(\\HasNoChildren \\UnMarked\) "\." to
S+ a4 OK \[READ-ONLY\] EXAMINE completed\.
C: a5 SELECT nothere
S: * OK [CLOSED] The mailbox selected before is closed.
S~ a5 NO \[NONEXISTENT\] .*
C: a6 FETCH 1 FLAGS
S: a6 BAD FETCH: No mailbox is selected.
--- names in UTF-8 (5.1), in both directions
S+ \* PREAUTH .*
C: a0 LIST "" Entw*
S~ \* LIST \(\\HasNoChildren \\UnMarked\) "\." Entw&APw-rfe
S: a0 OK LIST completed.
C: a1 ENABLE IMAP4rev2
S+ a1 OK .*
C: a2 LIST "" Entw*
S~ \* LIST \(\\HasNoChildren \\UnMarked\) "\." "Entwürfe"
S: a2 OK LIST completed.
C: a3 SELECT "Entwürfe"
S+ \* LIST \(\\HasNoChildren \\UnMarked\) "\." "Entwürfe"
S+ a3 OK .*
--- every unsolicited FETCH has the UID (7.5.2, E 21); EXISTS without RECENT; no \Recent
S+ \* PREAUTH .*
C: a1 ENABLE IMAP4rev2
S+ a1 OK .*
C: a2 SELECT INBOX
S+ a2 OK .*
C: a3 STORE 1 +FLAGS (\Deleted)
S: * 1 FETCH (UID 1 FLAGS (\Deleted))
S: a3 OK STORE completed.
sh: printf 'Subject: 4\n\nbody\n' >Maildir/new/4.x
C: a4 NOOP
S: * 4 EXISTS
S: a4 OK NOOP completed.
C: a5 EXPUNGE
S: * 1 EXPUNGE
S: a5 OK EXPUNGE completed.
C: a6 FETCH 1:* (UID FLAGS)
S: * 1 FETCH (UID 2 FLAGS ())
S: * 2 FETCH (UID 3 FLAGS ())
S: * 3 FETCH (UID 4 FLAGS ())
S: a6 OK FETCH completed.
--- SEARCH answers ESEARCH (6.4.4), with saved results, in UTF-8
S+ \* PREAUTH .*
C: a1 ENABLE IMAP4rev2
S+ a1 OK .*
C: a2 SELECT INBOX
S+ a2 OK .*
C: a3 SEARCH ALL
S: * ESEARCH (TAG "a3") ALL 1:3
S: a3 OK SEARCH completed.
C: a4 UID SEARCH FLAGGED
S: * ESEARCH (TAG "a4") UID
S: a4 OK UID SEARCH completed.
C: a5 SEARCH RETURN (SAVE MIN) ALL
S: * ESEARCH (TAG "a5") MIN 1
S: a5 OK SEARCH completed.
C: a6 FETCH $ UID
S: * 1 FETCH (UID 1)
S: a6 OK FETCH completed.
C: a7 SEARCH SUBJECT "ü"
S: * ESEARCH (TAG "a7")
S: a7 OK SEARCH completed.
--- the rest that rev2 folds in: STATUS, BINARY, MOVE, UNSELECT, NAMESPACE, LIST-EXTENDED, 63-bit partials
S+ \* PREAUTH .*
C: a1 ENABLE IMAP4rev2
S+ a1 OK .*
C: a2 STATUS INBOX (MESSAGES UIDNEXT UNSEEN DELETED SIZE)
S: * STATUS INBOX (MESSAGES 3 UIDNEXT 4 UNSEEN 3 SIZE 60 DELETED 0)
S: a2 OK STATUS completed.
C: a3 SELECT INBOX
S+ a3 OK .*
C: a4 FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])
S: * 1 FETCH (BINARY[1] {6}
S: body
S:  BINARY.SIZE[1] 6)
S: a4 OK FETCH completed.
C: a5 FETCH 1 BODY.PEEK[TEXT]<0.9223372036854775807>
S: * 1 FETCH (BODY[TEXT]<0> {6}
S: body
S: )
S: a5 OK FETCH completed.
C: a6 FETCH 1 BODY.PEEK[TEXT]<4294967296.1>
S: * 1 FETCH (BODY[TEXT]<4294967296> {0}
S: )
S: a6 OK FETCH completed.
C: a7 FETCH 1 BODY.PEEK[TEXT]<0.0>
S: a7 BAD FETCH: Number must not be zero.
C: a8 MOVE 1 to
S+ \* 1 EXPUNGE
S: a8 OK MOVE completed.
C: a9 COPY 1 nothere
S: a9 NO [TRYCREATE] No such mailbox.
C: b1 MOVE 1 nothere
S: b1 NO [TRYCREATE] No such mailbox.
C: b2 UNSELECT
S: b2 OK UNSELECT completed.
C: b3 NAMESPACE
S+ b3 OK .*
C: b4 LIST "" % RETURN (CHILDREN STATUS (MESSAGES))
S+ b4 OK .*
C: b5 RENAME to too
S: * LIST () "." too ("OLDNAME" (to))
S: b5 OK RENAME completed.
# What rev2 has no more is understood all the same: clients of both.
C: b6 SELECT too
S+ b6 OK .*
C: b7 FETCH 1 RFC822.HEADER
S+ \)
S: b7 OK FETCH completed.
C: b8 CHECK
S: b8 OK CHECK completed.
