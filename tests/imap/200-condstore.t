#!tests/transcript
# CONDSTORE (RFC 7162 3.1): numbers are the server's own, the dialogs are the RFC's.
env: MAILDIR=$T/Maildir
run: imap
setup: for d in . .to; do mkdir -p Maildir/$d/new Maildir/$d/cur Maildir/$d/tmp; done
setup: for n in 1 2 3 4 5 6 7 8 9; do printf 'Subject: %s\n\nbody\n' $n >Maildir/cur/$n.x:2,; done
--- SELECT (CONDSTORE) tells HIGHESTMODSEQ (3.1.2.1, 3.1.8, example 18)
S+ \* PREAUTH .*
C: a1 SELECT INBOX
S+ a1 OK \[READ-WRITE\] SELECT completed\.
C: a2 SELECT INBOX (CONDSTORE)
S: * OK [CLOSED] The mailbox selected before is closed.
S+ \* OK \[UIDNEXT 10\] Predicted next UID
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d{16})\] Highest
S: a2 OK [READ-WRITE] SELECT completed.
C: a3 EXAMINE INBOX
S+ \* OK \[UIDNEXT 10\] Predicted next UID
S+ \* OK \[HIGHESTMODSEQ $h\] Highest
S: a3 OK [READ-ONLY] EXAMINE completed.
C: a4 SELECT to (condstore)
S+ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: a4 OK [READ-WRITE] SELECT completed.
--- what is wrong with parameters of SELECT (RFC 4466 2.1): BAD, and the selected mailbox stays
S+ \* PREAUTH .*
C: a0 SELECT INBOX
S+ a0 OK .*
C: a1 SELECT to (CONDSTOR)
S: a1 BAD SELECT: Unknown parameter.
C: a2 SELECT to ()
S: a2 BAD SELECT: Unknown parameter.
C: a3 SELECT to (CONDSTORE CONDSTORE)
S: a3 BAD SELECT: The same parameter twice.
C: a4 SELECT to (CONDSTORE) x
S: a4 BAD SELECT: Unexpected text behind the command.
C: a5 SELECT to CONDSTORE
S: a5 BAD SELECT: List expected.
C: a6 SELECT to (CONDSTORE
S: a6 BAD SELECT: Missing ')'.
C: a7 FETCH 9 UID
S: * 9 FETCH (UID 9)
S: a7 OK FETCH completed.
--- ENABLE CONDSTORE, in the selected state too (3.1: a first enabling command tells HIGHESTMODSEQ)
S+ \* PREAUTH .*
C: a0 SELECT INBOX
S+ a0 OK .*
C: a1 ENABLE CONDSTORE
S~ \* OK \[HIGHESTMODSEQ \d{16}\] Highest
S: * ENABLED CONDSTORE
S: a1 OK ENABLE completed.
C: a2 ENABLE CONDSTORE
S: * ENABLED
S: a2 OK ENABLE completed.
C: a3 STORE 2 +FLAGS (\Seen)
S~ \* 2 FETCH \(UID 2 FLAGS \(\\Seen\) MODSEQ \(\d{16}\)\)
S: a3 OK STORE completed.
--- FETCH MODSEQ (3.1.4.2, example 13), the same for messages that came together
S+ \* PREAUTH .*
C: a0 SELECT INBOX
S+ a0 OK .*
C: a FETCH 1:3 (MODSEQ)
S~ \* OK \[HIGHESTMODSEQ (?P<h>\d{16})\] Highest
S: * 1 FETCH (MODSEQ ($h))
S: * 2 FETCH (MODSEQ ($h))
S: * 3 FETCH (MODSEQ ($h))
S: a OK FETCH completed.
C: b UID FETCH 3 (MODSEQ UID FLAGS)
S: * 3 FETCH (UID 3 MODSEQ ($h) FLAGS ())
S: b OK UID FETCH completed.
# 3.2.4: a FETCH that sets nothing has what was asked for.
C: c FETCH 3 FLAGS
S: * 3 FETCH (FLAGS ())
S: c OK FETCH completed.
# One that sets \Seen has UID and the new MODSEQ, once it is known.
C: d FETCH 3 BODY[TEXT]
S: * 3 FETCH (BODY[TEXT] {6}
S: body
S: )
S~ \* 3 FETCH \(UID 3 FLAGS \(\\Seen\) MODSEQ \((?P<m>\d{16})\)\)
S: d OK FETCH completed.
C: e FETCH 3 (FLAGS MODSEQ)
S: * 3 FETCH (FLAGS (\Seen) MODSEQ ($m))
S: e OK FETCH completed.
# 3.1.11: setting again what is set changes no modseq.
C: f STORE 3 +FLAGS.SILENT (\Seen)
S: * 3 FETCH (UID 3 MODSEQ ($m))
S: f OK STORE completed.
C: g FETCH 3 BODY[TEXT]
S+ \)
S: g OK FETCH completed.
--- FETCH CHANGEDSINCE (3.1.4.1, example 12)
S+ \* PREAUTH .*
C: a0 SELECT INBOX (CONDSTORE)
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d{16})\] Highest
S+ a0 OK .*
C: a1 STORE 4,6 +FLAGS.SILENT (\Deleted)
S~ \* 4 FETCH \(UID 4 MODSEQ \((?P<m>\d{16})\)\)
S: * 6 FETCH (UID 6 MODSEQ ($m))
S: a1 OK STORE completed.
C: s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE $h)
S: * 4 FETCH (UID 4 FLAGS (\Deleted) MODSEQ ($m))
S: * 6 FETCH (UID 6 FLAGS (\Deleted) MODSEQ ($m))
S: s100 OK UID FETCH completed.
C: s101 FETCH 1:5 (UID) (changedsince $h)
S: * 4 FETCH (UID 4 MODSEQ ($m))
S: s101 OK FETCH completed.
C: s102 FETCH 1:* ALL (CHANGEDSINCE $m)
S: s102 OK FETCH completed.
C: s103 FETCH 1:* UID (CHANGEDSINCE 9223372036854775807)
S: s103 OK FETCH completed.
--- what is wrong with modifiers of FETCH
S+ \* PREAUTH .*
C: a0 SELECT INBOX
S+ a0 OK .*
C: a1 FETCH 1 UID (CHANGEDSINCE 0)
S: a1 BAD FETCH: A modseq is not zero.
C: a2 FETCH 1 UID (CHANGEDSINCE)
S: a2 BAD FETCH: Missing argument.
C: a3 FETCH 1 UID (CHANGEDSINCE x)
S: a3 BAD FETCH: Number expected.
C: a4 FETCH 1 UID (CHANGEDSINCE 9223372036854775808)
S: a4 BAD FETCH: Number too large.
C: a5 FETCH 1 UID (CHANGEDSINCE 99999999999999999999999999)
S: a5 BAD FETCH: Number too large.
C: a6 FETCH 1 UID (CHANGEDSINCE 1 CHANGEDSINCE 1)
S: a6 BAD FETCH: The same modifier twice.
C: a7 FETCH 1 UID (FOO)
S: a7 BAD FETCH: Unknown modifier.
C: a8 FETCH 1 UID ()
S: a8 BAD FETCH: Unknown modifier.
C: a9 FETCH 1 UID (CHANGEDSINCE 1) x
S: a9 BAD FETCH: Unexpected text behind the command.
# 3.2.6: VANISHED is of UID FETCH with CHANGEDSINCE, and of QRESYNC.
C: b1 FETCH 1 UID (CHANGEDSINCE 1 VANISHED)
S: b1 BAD FETCH: VANISHED is of UID FETCH.
C: b2 UID FETCH 1 UID (CHANGEDSINCE 1 VANISHED)
S: b2 BAD UID FETCH: QRESYNC is not enabled.
# None of these was an enabling command.
C: b3 STORE 1 +FLAGS (\Seen)
S: * 1 FETCH (FLAGS (\Seen))
S: b3 OK STORE completed.
--- STORE UNCHANGEDSINCE: all pass, silent or not (3.1.3, examples 3 to 5)
S+ \* PREAUTH .*
C: a0 SELECT INBOX
S+ a0 OK .*
C: c101 STORE 9 (UNCHANGEDSINCE 9012121230045000) -FLAGS.SILENT (\Deleted)
S~ \* OK \[HIGHESTMODSEQ (?P<h>\d{16})\] Highest
S: * 9 FETCH (UID 9 MODSEQ ($h))
S: c101 OK STORE completed.
C: a103 UID STORE 6,4,8 (UNCHANGEDSINCE $h) +FLAGS.SILENT (\Deleted)
S~ \* 4 FETCH \(UID 4 MODSEQ \((?P<m>\d{16})\)\)
S: * 6 FETCH (UID 6 MODSEQ ($m))
S: * 8 FETCH (UID 8 MODSEQ ($m))
S: a103 OK UID STORE completed.
C: a104 STORE * (UNCHANGEDSINCE $m) +FLAGS (\Deleted $Processed)
S+ \* 9 FETCH \(UID 9 FLAGS \(\\Deleted \$Processed\) MODSEQ \(\d{16}\)\)
S: a104 OK STORE completed.
# Each message once, however often it is named (3.1.3, behind example 11).
C: e105 STORE 7,3:9 (UNCHANGEDSINCE $m) +FLAGS.SILENT (\Flagged)
S+ \* 8 FETCH \(UID 8 MODSEQ \(\d+\)\)
S: e105 OK [MODIFIED 9] Some of the messages were changed since.
--- STORE UNCHANGEDSINCE: some fail, the others are changed (3.1.3, examples 6 and 7)
S+ \* PREAUTH .*
C: a0 SELECT INBOX (CONDSTORE)
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d{16})\] Highest
S+ a0 OK .*
C: a1 STORE 7,9 +FLAGS.SILENT (\Answered)
S+ a1 OK .*
C: d105 STORE 7,5,9 (UNCHANGEDSINCE $h) +FLAGS.SILENT (\Deleted)
S~ \* 5 FETCH \(UID 5 MODSEQ \(\d+\)\)
S: d105 OK [MODIFIED 7,9] Some of the messages were changed since.
C: d106 FETCH 5,7,9 FLAGS
S: * 5 FETCH (FLAGS (\Deleted))
S: * 7 FETCH (FLAGS (\Answered))
S: * 9 FETCH (FLAGS (\Answered))
S: d106 OK FETCH completed.
C: d107 UID STORE 6:9 (UNCHANGEDSINCE $h) FLAGS (\Seen)
S~ \* 6 FETCH \(UID 6 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)
S~ \* 8 FETCH \(UID 8 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)
S: d107 OK [MODIFIED 7,9] Some of the messages were changed since.
--- STORE UNCHANGEDSINCE 0: fails, but for keywords that are not there (3.1.3, example 8)
S+ \* PREAUTH .*
C: a0 SELECT INBOX (CONDSTORE)
S+ a0 OK .*
C: a1 STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\Seen)
S: a1 OK [MODIFIED 1] Some of the messages were changed since.
C: a2 STORE 1:2 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)
S+ \* 1 FETCH \(UID 1 MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 2 MODSEQ \(\d+\)\)
S: a2 OK STORE completed.
C: a3 STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)
S~ \* 3 FETCH \(UID 3 MODSEQ \(\d+\)\)
S: a3 OK [MODIFIED 1:2] Some of the messages were changed since.
C: a4 STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($Forwarded)
S~ \* 1 FETCH \(UID 1 MODSEQ \(\d+\)\)
S: a4 OK STORE completed.
C: a5 STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($Forwarded)
S: a5 OK [MODIFIED 1] Some of the messages were changed since.
--- what is wrong with modifiers of STORE
S+ \* PREAUTH .*
C: a0 EXAMINE INBOX
S+ a0 OK .*
C: a1 STORE 1 (UNCHANGEDSINCE) FLAGS (\Seen)
S: a1 BAD STORE: Missing argument.
C: a2 STORE 1 (FOO 1) FLAGS (\Seen)
S: a2 BAD STORE: Unknown modifier.
C: a3 STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 1) FLAGS (\Seen)
S: a3 BAD STORE: Missing ')'.
C: a4 STORE 1 () FLAGS (\Seen)
S: a4 BAD STORE: Unknown modifier.
C: a5 STORE 1 (UNCHANGEDSINCE 1) (\Seen)
S: a5 BAD STORE: FLAGS expected.
C: a6 STORE 1 (UNCHANGEDSINCE 1) FLAGS (\Seen)
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: a6 NO [READ-ONLY] The mailbox was opened read-only.
