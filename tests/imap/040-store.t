#!tests/transcript
# SELECT, EXAMINE, STORE, EXPUNGE, UID EXPUNGE, CLOSE, UNSELECT, COPY, MOVE.
env: MAILDIR=$T/Maildir
run: imap
setup: for d in . .to; do mkdir -p Maildir/$d/new Maildir/$d/cur Maildir/$d/tmp; done
setup: for n in 1 2 3; do printf 'Subject: %s\n\nbody\n' $n >Maildir/cur/$n.x:2,; done
--- SELECT: all it tells (RFC 3501 6.3.1)
setup: mv Maildir/cur/1.x:2, Maildir/cur/1.x:2,S; mv Maildir/cur/3.x:2, Maildir/new/3.x
S+ \* PREAUTH .*
C: a1 SELECT INBOX
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 3 EXISTS
S: * 1 RECENT
S: * OK [UNSEEN 2] First unseen.
S~ \* OK \[UIDVALIDITY (?P<v>\d+)\] UIDs valid
S: * OK [UIDNEXT 4] Predicted next UID
S~ \* OK \[MAILBOXID \([0-9a-f]{32}\)\] Its id
S: a1 OK [READ-WRITE] SELECT completed.
C: a2 EXAMINE INBOX
S: * OK [CLOSED] The mailbox selected before is closed.
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS ()] Read-only mailbox.
S: * 3 EXISTS
S: * 0 RECENT
S: * OK [UNSEEN 2] First unseen.
S: * OK [UIDVALIDITY $v] UIDs valid
S: * OK [UIDNEXT 4] Predicted next UID
S~ \* OK \[MAILBOXID \([0-9a-f]{32}\)\] Its id
S: a2 OK [READ-ONLY] EXAMINE completed.
C: a3 SELECT nothere
S: * OK [CLOSED] The mailbox selected before is closed.
S~ a3 NO \[NONEXISTENT\] .*
C: a4 FETCH 1 FLAGS
S: a4 BAD FETCH: No mailbox is selected.
C: a5 SELECT "&"
S: a5 NO [CANNOT] Not a name that a mailbox can have.
C: a6 SELECT
S: a6 BAD SELECT: Missing argument.
C: a7 EXAMINE
S: a7 BAD EXAMINE: Missing argument.
C: a8 EXAMINE "to"
S+ a8 OK \[READ-ONLY\] EXAMINE completed\.
--- STORE: replace, add, remove, silent, keywords (RFC 3501 6.4.6)
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 STORE 1 FLAGS (\Seen)
S: * 1 FETCH (FLAGS (\Seen))
S: a1 OK STORE completed.
C: a2 STORE 1:2 +FLAGS (\Deleted \Flagged)
S: * 1 FETCH (FLAGS (\Flagged \Deleted \Seen))
S: * 2 FETCH (FLAGS (\Flagged \Deleted))
S: a2 OK STORE completed.
C: a3 STORE 2 -FLAGS \Deleted
S: * 2 FETCH (FLAGS (\Flagged))
S: a3 OK STORE completed.
C: a4 STORE 1 FLAGS.SILENT (\Draft)
S: a4 OK STORE completed.
C: a5 UID STORE 1 +FLAGS.SILENT (\answered)
S: a5 OK UID STORE completed.
C: a6 UID STORE 1 +FLAGS ($Junk)
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $Junk)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $Junk \*)] Flags permitted.
S: * 1 FETCH (UID 1 FLAGS (\Answered \Draft $Junk))
S: a6 OK UID STORE completed.
C: a7 STORE 1 FLAGS ()
S: * 1 FETCH (FLAGS ())
S: a7 OK STORE completed.
C: a8 STORE 1 +FLAGS ($Forwarded)
S: * 1 FETCH (FLAGS ($Forwarded))
S: a8 OK STORE completed.
sh: ls Maildir/cur/1.x*:2,P
C: a9 STORE 3 FLAGS \Seen \Flagged
S: * 3 FETCH (FLAGS (\Flagged \Seen))
S: a9 OK STORE completed.
C: b1 STORE 1 FLAGS (\Recent)
S: b1 BAD STORE: Invalid system flag.
C: b2 STORE 1 FLAGS (\Foo)
S: b2 BAD STORE: Invalid system flag.
C: b3 STORE 1 FOO (\Seen)
S: b3 BAD STORE: FLAGS expected.
C: b4 STORE 1 FLAGS
S: b4 BAD STORE: Missing argument.
C: b5 STORE 9 FLAGS ()
S: b5 BAD STORE: Invalid message number.
C: b6 UID STORE 9 FLAGS ()
S: b6 OK UID STORE completed.
--- read-only
S+ \* PREAUTH .*
C: s EXAMINE INBOX
S+ s OK .*
C: 1 STORE 1 FLAGS ()
S: 1 NO [READ-ONLY] The mailbox was opened read-only.
C: 2 EXPUNGE
S: 2 NO [READ-ONLY] The mailbox was opened read-only.
C: 3 UID EXPUNGE 1
S: 3 NO [READ-ONLY] The mailbox was opened read-only.
C: 4 MOVE 1 to
S: 4 NO [READ-ONLY] The mailbox was opened read-only.
C: 5 UID MOVE 1 to
S: 5 NO [READ-ONLY] The mailbox was opened read-only.
C: 6 CLOSE
S: 6 OK CLOSE completed.
--- EXPUNGE (RFC 3501 6.4.3), UID EXPUNGE (RFC 4315 2.1), CLOSE, UNSELECT (RFC 3691)
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 STORE 1:3 +FLAGS.SILENT \Deleted
S: a1 OK STORE completed.
C: a2 UID EXPUNGE 2,17
S: * 2 EXPUNGE
S: a2 OK UID EXPUNGE completed.
C: a3 EXPUNGE
S: * 2 EXPUNGE
S: * 1 EXPUNGE
S: a3 OK EXPUNGE completed.
C: a4 EXPUNGE
S: a4 OK EXPUNGE completed.
C: a5 UNSELECT
S: a5 OK UNSELECT completed.
C: a6 UID EXPUNGE
S: a6 BAD UID EXPUNGE: No mailbox is selected.
--- CLOSE expunges without a word, UNSELECT does not
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 STORE 1 +FLAGS.SILENT \Deleted
S: a1 OK STORE completed.
C: a2 UNSELECT
S: a2 OK UNSELECT completed.
C: a3 STATUS INBOX (MESSAGES)
S: * STATUS INBOX (MESSAGES 3)
S: a3 OK STATUS completed.
C: a4 SELECT INBOX
S+ a4 OK .*
C: a5 CLOSE
S: a5 OK CLOSE completed.
C: a6 STATUS INBOX (MESSAGES)
S: * STATUS INBOX (MESSAGES 2)
S: a6 OK STATUS completed.
--- COPY (RFC 3501 6.4.7) with COPYUID (RFC 4315 section 3)
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 STORE 2 +FLAGS.SILENT (\Flagged $Junk)
S: a1 OK STORE completed.
C: a2 COPY 1:2 to
S~ a2 OK \[COPYUID \d+ 1:2 1:2\] COPY completed\.
C: a3 UID COPY 3 to
S~ a3 OK \[COPYUID \d+ 3 3\] COPY completed\.
C: a4 COPY 1 nothere
S: a4 NO [TRYCREATE] No such mailbox.
C: a5 UID COPY 99 to
S: a5 OK No messages found.
C: a6 COPY 1 INBOX
S: * 4 EXISTS
S: * 1 RECENT
S~ a6 OK \[COPYUID \d+ 1 4\] COPY completed\.
C: a7 COPY 9 to
S: a7 BAD COPY: Invalid message number.
C: a8 COPY 1
S: a8 BAD COPY: Missing argument.
C: a9 EXAMINE to
S+ a9 OK .*
C: b1 FETCH 1:3 FLAGS
S: * 1 FETCH (FLAGS (\Recent))
S: * 2 FETCH (FLAGS (\Flagged $Junk))
S: * 3 FETCH (FLAGS (\Recent))
S: b1 OK FETCH completed.
--- MOVE (RFC 6851)
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 MOVE 1,3 to
S~ \* OK \[COPYUID \d+ 1,3 1:2\] Moved\.
S: * 3 EXPUNGE
S: * 1 EXPUNGE
S: a1 OK MOVE completed.
C: a2 UID MOVE 2 to
S~ \* OK \[COPYUID \d+ 2 3\] Moved\.
S: * 1 EXPUNGE
S: a2 OK UID MOVE completed.
C: a3 UID MOVE 2 to
S: a3 OK No messages found.
C: a4 SELECT to
S+ a4 OK .*
C: a5 MOVE 1 nothere
S: a5 NO [TRYCREATE] No such mailbox.
C: a6 UID MOVE x to
S: a6 BAD UID MOVE: Number expected.
C: a7 FETCH 1:* (UID BODY.PEEK[HEADER])
S: * 1 FETCH (UID 1 BODY[HEADER] {14}
S: Subject: 1
S: 
S: )
S: * 2 FETCH (UID 2 BODY[HEADER] {14}
S: Subject: 3
S: 
S: )
S: * 3 FETCH (UID 3 BODY[HEADER] {14}
S: Subject: 2
S: 
S: )
S: a7 OK FETCH completed.
sh: test -z "$(ls Maildir/cur)"
