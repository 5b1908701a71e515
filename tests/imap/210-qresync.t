#!tests/transcript
# QRESYNC (RFC 7162 3.2): the dialogs are the RFC's, with this server's numbers.
env: MAILDIR=$T/Maildir
run: imap
setup: for d in . .to; do mkdir -p Maildir/$d/new Maildir/$d/cur Maildir/$d/tmp; done
setup: for n in 1 2 3 4 5 6 7 8 9; do printf 'Subject: %s\n\nbody\n' $n >Maildir/cur/$n.x:2,; done
--- ENABLE QRESYNC is needed (3.2.3, 3.2.5, 3.2.6), and implies CONDSTORE
S+ \* PREAUTH .*
C: a1 SELECT INBOX (QRESYNC (67890007 1))
S: a1 BAD SELECT: QRESYNC is not enabled.
C: a2 ENABLE QRESYNC CONDSTORE
S: * ENABLED QRESYNC CONDSTORE
S: a2 OK ENABLE completed.
C: a3 ENABLE CONDSTORE
S: * ENABLED
S: a3 OK ENABLE completed.
C: a4 SELECT INBOX
S+ \* OK \[HIGHESTMODSEQ \d{16}\] Highest
S: a4 OK [READ-WRITE] SELECT completed.
C: a5 UID FETCH 1:* (FLAGS) (VANISHED)
S: a5 BAD UID FETCH: VANISHED is for CHANGEDSINCE.
C: a6 FETCH 1:* (FLAGS) (VANISHED CHANGEDSINCE 1)
S: a6 BAD FETCH: VANISHED is of UID FETCH.
C: a7 STORE 1 +FLAGS (\Seen)
S~ \* 1 FETCH \(UID 1 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)
S: a7 OK STORE completed.
--- another UIDVALIDITY: as if nothing had changed (3.2.5)
S+ \* PREAUTH .*
C: a1 ENABLE QRESYNC
S+ a1 OK .*
C: A02 SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S+ \* 9 EXISTS
S: * 0 RECENT
S: * OK [UNSEEN 1] First unseen.
S~ \* OK \[UIDVALIDITY \d+\] UIDs valid
S: * OK [UIDNEXT 10] Predicted next UID
S+ \* OK \[HIGHESTMODSEQ \d{16}\] Highest
S: A02 OK [READ-WRITE] SELECT completed.
--- resynchronization: flags and expunges since then, CLOSED when a mailbox was open (3.2.5.1, 3.2.11)
S+ \* PREAUTH .*
C: a0 ENABLE QRESYNC
S+ a0 OK .*
C: a1 SELECT INBOX
S+ \* OK \[UIDVALIDITY (?P<v>\d+)\] UIDs valid
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\] Highest
S+ a1 OK .*
C: a2 STORE 1,3:4,7 +FLAGS.SILENT (\Deleted)
S+ a2 OK .*
C: a3 EXPUNGE
S: * VANISHED 1,3:4,7
S~ a3 OK \[HIGHESTMODSEQ (?P<x>\d+)\] EXPUNGE completed\.
C: a4 UID STORE 5,8 +FLAGS (\Seen \Answered)
S~ \* 2 FETCH \(UID 5 FLAGS \(\\Answered \\Seen\) MODSEQ \((?P<m>\d+)\)\)
S: * 4 FETCH (UID 8 FLAGS (\Answered \Seen) MODSEQ ($m))
S: a4 OK UID STORE completed.
C: A03 SELECT INBOX (QRESYNC ($v $h 1:5,7:9))
S: * OK [CLOSED] The mailbox selected before is closed.
S+ \* 5 EXISTS
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: * VANISHED (EARLIER) 1,3:4,7
S: * 2 FETCH (UID 5 FLAGS (\Answered \Seen) MODSEQ ($m))
S: * 4 FETCH (UID 8 FLAGS (\Answered \Seen) MODSEQ ($m))
S: A03 OK [READ-WRITE] SELECT completed.
# Known UIDs alone, and since the expunge.
C: A04 EXAMINE INBOX (QRESYNC ($v $h 2:3))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: * VANISHED (EARLIER) 3
S: A04 OK [READ-ONLY] EXAMINE completed.
C: A05 SELECT INBOX (QRESYNC ($v $x))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: * 2 FETCH (UID 5 FLAGS (\Answered \Seen) MODSEQ ($m))
S: * 4 FETCH (UID 8 FLAGS (\Answered \Seen) MODSEQ ($m))
S: A05 OK [READ-WRITE] SELECT completed.
C: A06 SELECT INBOX (CONDSTORE QRESYNC ($v $m))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: A06 OK [READ-WRITE] SELECT completed.
# UIDs that were never given did not vanish.
C: A07 SELECT INBOX (QRESYNC ($v 1 5:4294967295))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: * VANISHED (EARLIER) 7
S: * 2 FETCH (UID 5 FLAGS (\Answered \Seen) MODSEQ ($m))
--- UID FETCH (CHANGEDSINCE n VANISHED): VANISHED first (3.2.6)
S+ \* PREAUTH .*
C: a0 ENABLE QRESYNC
S+ a0 OK .*
C: a1 SELECT INBOX
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\] Highest
S+ a1 OK .*
C: a2 STORE 2:3,9 +FLAGS.SILENT (\Deleted)
S+ a2 OK .*
C: a3 UID EXPUNGE 1:5
S: * VANISHED 2:3
S~ a3 OK \[HIGHESTMODSEQ (?P<x>\d+)\] UID EXPUNGE completed\.
C: s100 UID FETCH 1:8 (FLAGS) (CHANGEDSINCE $h VANISHED)
S: * VANISHED (EARLIER) 2:3
S: s100 OK UID FETCH completed.
C: s101 UID FETCH 3:* (FLAGS) (VANISHED CHANGEDSINCE $h)
S: * VANISHED (EARLIER) 3
S~ \* 7 FETCH \(UID 9 FLAGS \(\\Deleted\) MODSEQ \(\d+\)\)
S: s101 OK UID FETCH completed.
C: s102 UID FETCH 1:* (FLAGS) (CHANGEDSINCE $x VANISHED)
S: s102 OK UID FETCH completed.
C: s103 UID FETCH 100:200 (FLAGS) (CHANGEDSINCE 1 VANISHED)
S: s103 OK UID FETCH completed.
# The last message goes: "*" still means its UID.
C: s104 UID EXPUNGE 9
S: * VANISHED 9
S+ s104 OK .*
C: s105 UID FETCH 1:* (FLAGS) (CHANGEDSINCE $x VANISHED)
S: * VANISHED (EARLIER) 9
S: s105 OK UID FETCH completed.
--- message sequence match data (3.2.5.2): what the client knows is not told again
S+ \* PREAUTH .*
C: a0 ENABLE QRESYNC
S+ a0 OK .*
C: a1 SELECT INBOX
S+ \* OK \[UIDVALIDITY (?P<v>\d+)\] UIDs valid
S+ a1 OK .*
C: a2 STORE 1:2,4:5,7:8 +FLAGS.SILENT (\Deleted)
S+ a2 OK .*
C: a3 EXPUNGE
S: * VANISHED 1:2,4:5,7:8
S~ a3 OK \[HIGHESTMODSEQ (?P<m>\d+)\] EXPUNGE completed\.
# Only messages whose UID is divisible by three are there.
C: A04 SELECT INBOX (QRESYNC ($v 1 1:9))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: * VANISHED (EARLIER) 1:2,4:5,7:8
S+ A04 OK .*
C: B04 SELECT INBOX (QRESYNC ($v $m 1:9 (1:3 3,6,9)))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: B04 OK [READ-WRITE] SELECT completed.
C: B05 SELECT INBOX (QRESYNC ($v 1 1:9 (1:2 3,6)))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: * VANISHED (EARLIER) 7:8
S+ B05 OK .*
C: B06 SELECT INBOX (QRESYNC ($v 1 1:9 (1:3 3,7,9)))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: * VANISHED (EARLIER) 4:5,7:8
S+ B06 OK .*
C: B07 SELECT INBOX (QRESYNC ($v 1 (1,9 3,9)))
S+ \* OK \[HIGHESTMODSEQ $m\] Highest
S: * VANISHED (EARLIER) 4:5,7:8
S+ B07 OK .*
--- what is wrong with the parameter: BAD, and nothing is opened (3.2.5)
S+ \* PREAUTH .*
C: a0 ENABLE QRESYNC
S+ a0 OK .*
C: a1 SELECT INBOX (QRESYNC)
S: a1 BAD SELECT: Missing argument.
C: a2 SELECT INBOX (QRESYNC (0 1))
S: a2 BAD SELECT: Number must not be zero.
C: a3 SELECT INBOX (QRESYNC (1 0))
S: a3 BAD SELECT: A modseq is not zero.
C: a4 SELECT INBOX (QRESYNC (1))
S: a4 BAD SELECT: Missing argument.
C: a5 SELECT INBOX (QRESYNC (1 1 1:*))
S: a5 BAD SELECT: * is not allowed here.
C: a6 SELECT INBOX (QRESYNC (1 1 1:5 (1:3 1:2)))
S: a6 BAD SELECT: As many UIDs as numbers expected.
C: a7 SELECT INBOX (QRESYNC (1 1 1:5 (3,1 1:2)))
S: a7 BAD SELECT: Numbers must ascend.
C: a8 SELECT INBOX (QRESYNC (1 1 1:5 (1:* 1:2)))
S: a8 BAD SELECT: * is not allowed here.
C: a9 SELECT INBOX (QRESYNC (1 1) QRESYNC (1 1))
S: a9 BAD SELECT: The same parameter twice.
C: b1 SELECT INBOX (QRESYNC (1 1 1:5 (1 1) 1))
S: b1 BAD SELECT: Missing ')'.
C: b2 SELECT INBOX (QRESYNC (1 9223372036854775808))
S: b2 BAD SELECT: Number too large.
C: b3 FETCH 1 UID
S: b3 BAD FETCH: No mailbox is selected.
--- MOVE: COPYUID, VANISHED, HIGHESTMODSEQ (RFC 6851 4.4); CLOSE says no HIGHESTMODSEQ (3.2.8)
S+ \* PREAUTH .*
C: a0 ENABLE QRESYNC
S+ a0 OK .*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 MOVE 2,4:5 to
S~ \* OK \[COPYUID \d+ 2,4:5 1:3\] Moved\.
S: * VANISHED 2,4:5
S~ a2 OK \[HIGHESTMODSEQ \d+\] MOVE completed\.
C: a3 UID MOVE 9 to
S~ \* OK \[COPYUID \d+ 9 4\] Moved\.
S: * VANISHED 9
S~ a3 OK \[HIGHESTMODSEQ \d+\] UID MOVE completed\.
C: a4 COPY 1 to
S~ a4 OK \[COPYUID \d+ 1 5\] COPY completed\.
C: a5 STORE 1 +FLAGS.SILENT (\Deleted)
S+ a5 OK .*
C: a6 CLOSE
S: a6 OK CLOSE completed.
C: a7 SELECT INBOX
S+ \* 4 EXISTS
S+ a7 OK .*
--- SETMETADATA raises HIGHESTMODSEQ (3.2)
S+ \* PREAUTH .*
C: a1 STATUS INBOX (HIGHESTMODSEQ)
S~ \* STATUS INBOX \(HIGHESTMODSEQ (?P<h>\d+)\)
S: a1 OK STATUS completed.
C: a2 SETMETADATA INBOX (/private/comment "x")
S: a2 OK SETMETADATA completed.
C: a3 STATUS INBOX (HIGHESTMODSEQ)
S~ \* STATUS INBOX \(HIGHESTMODSEQ (?!$h\))\d+\)
S: a3 OK STATUS completed.
