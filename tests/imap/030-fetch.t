#!tests/transcript
# FETCH: every item, macros, sections, partials; \Seen; errors. RFC 3501 6.4.5, 7.4.2.
env: MAILDIR=$T/Maildir
env: TZ=UTC
run: imap
setup: mkdir -p Maildir/new Maildir/cur Maildir/tmp
setup: printf 'From: Fred Foobar <foobar@Blurdybloop.example>\nSubject: afternoon meeting\nTo: mooch@owatagu.example\nDate: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\nMessage-Id: <B27397-0100000@Blurdybloop.example>\nMIME-Version: 1.0\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\nHello Joe, do you think we can meet at 3:30 tomorrow?\n\n' >Maildir/cur/1.x:2,
setup: touch -d '1996-07-17 09:44:25 UTC' Maildir/cur/1.x:2,
setup: printf 'Subject: parts\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\nSubject: inner\nX-A: 1\n\ninner text\n--b--\n' >Maildir/cur/2.x:2,RS
--- flags, uid, date, size, in the order asked for
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 FETCH 1 FLAGS
S: * 1 FETCH (FLAGS ())
S: a1 OK FETCH completed.
C: a2 FETCH 1:2 (UID FLAGS)
S: * 1 FETCH (UID 1 FLAGS ())
S: * 2 FETCH (UID 2 FLAGS (\Answered \Seen))
S: a2 OK FETCH completed.
C: a3 UID FETCH 1:* FLAGS
S: * 1 FETCH (UID 1 FLAGS ())
S: * 2 FETCH (UID 2 FLAGS (\Answered \Seen))
S: a3 OK UID FETCH completed.
C: a4 FETCH 1 INTERNALDATE
S: * 1 FETCH (INTERNALDATE "17-Jul-1996 09:44:25 +0000")
S: a4 OK FETCH completed.
C: a5 FETCH 1 RFC822.SIZE
S: * 1 FETCH (RFC822.SIZE 319)
S: a5 OK FETCH completed.
C: a6 FETCH 1 (UID UID FLAGS UID)
S: * 1 FETCH (UID 1 FLAGS ())
S: a6 OK FETCH completed.
--- ENVELOPE, BODY, BODYSTRUCTURE
S+ \* PREAUTH .*
C: s EXAMINE INBOX
S+ s OK .*
C: a1 FETCH 1 ENVELOPE
S: * 1 FETCH (ENVELOPE ("Mon, 7 Feb 1994 21:52:25 -0800 (PST)" "afternoon meeting" (("Fred Foobar" NIL "foobar" "Blurdybloop.example")) (("Fred Foobar" NIL "foobar" "Blurdybloop.example")) (("Fred Foobar" NIL "foobar" "Blurdybloop.example")) ((NIL NIL "mooch" "owatagu.example")) NIL NIL NIL "<B27397-0100000@Blurdybloop.example>"))
S: a1 OK FETCH completed.
C: a2 FETCH 1 BODY
S: * 1 FETCH (BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 57 2))
S: a2 OK FETCH completed.
C: a3 FETCH 1 BODYSTRUCTURE
S: * 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 57 2 NIL NIL NIL NIL))
S: a3 OK FETCH completed.
C: a4 FETCH 2 (BODY)
S: * 2 FETCH (BODY (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0)("message" "rfc822" NIL NIL NIL "7bit" 36 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 0) 3) "mixed"))
S: a4 OK FETCH completed.
--- macros
S+ \* PREAUTH .*
C: s EXAMINE INBOX
S+ s OK .*
C: a1 FETCH 1 FAST
S: * 1 FETCH (FLAGS () INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE 319)
S: a1 OK FETCH completed.
C: a2 FETCH 1 ALL
S~ \* 1 FETCH \(FLAGS \(\) INTERNALDATE "17-Jul-1996 09:44:25 \+0000" RFC822.SIZE 319 ENVELOPE \(.*\)\)
S: a2 OK FETCH completed.
C: a3 FETCH 1 FULL
S~ \* 1 FETCH \(FLAGS \(\) INTERNALDATE "17-Jul-1996 09:44:25 \+0000" RFC822.SIZE 319 ENVELOPE \(.*\) BODY \("TEXT" .*\)\)
S: a3 OK FETCH completed.
C: a4 FETCH 1 (FAST)
S: a4 BAD FETCH: Unknown item.
--- sections of a message and of its parts
S+ \* PREAUTH .*
C: s EXAMINE INBOX
S+ s OK .*
C: a1 FETCH 2 BODY.PEEK[HEADER]
S: * 2 FETCH (BODY[HEADER] {61}
S: Subject: parts
S: Content-Type: multipart/mixed; boundary=b
S: 
S: )
S: a1 OK FETCH completed.
C: a2 FETCH 2 BODY.PEEK[1]
S: * 2 FETCH (BODY[1] {3}
S: one)
S: a2 OK FETCH completed.
C: a3 FETCH 2 (BODY.PEEK[2.HEADER] BODY.PEEK[2.TEXT])
S: * 2 FETCH (BODY[2.HEADER] {26}
S: Subject: inner
S: X-A: 1
S: 
S:  BODY[2.TEXT] {10}
S: inner text)
S: a3 OK FETCH completed.
C: a4 FETCH 2 BODY.PEEK[2.MIME]
S: * 2 FETCH (BODY[2.MIME] {32}
S: Content-Type: message/rfc822
S: 
S: )
S: a4 OK FETCH completed.
C: a5 FETCH 2 BODY.PEEK[3]
S: * 2 FETCH (BODY[3] NIL)
S: a5 OK FETCH completed.
C: a6 FETCH 2 BODY.PEEK[header.fields (x-a subject)]
S: * 2 FETCH (BODY[HEADER.FIELDS (X-A SUBJECT)] {18}
S: Subject: parts
S: 
S: )
S: a6 OK FETCH completed.
C: a7 FETCH 2 BODY.PEEK[HEADER.FIELDS.NOT (Subject)]
S: * 2 FETCH (BODY[HEADER.FIELDS.NOT (SUBJECT)] {45}
S: Content-Type: multipart/mixed; boundary=b
S: 
S: )
S: a7 OK FETCH completed.
C: a8 FETCH 2 BODY.PEEK[2.1]
S: * 2 FETCH (BODY[2.1] {10}
S: inner text)
S: a8 OK FETCH completed.
C: a9 FETCH 2 BODY.PEEK[HEADER.FIELDS ({7}
S: + OK
C: subject)]
S: * 2 FETCH (BODY[HEADER.FIELDS ("SUBJECT")] {18}
S: Subject: parts
S: 
S: )
S: a9 OK FETCH completed.
C: b1 FETCH 1 RFC822.HEADER
S+ Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
S: 
S: )
S: b1 OK FETCH completed.
--- partial
S+ \* PREAUTH .*
C: s EXAMINE INBOX
S+ s OK .*
C: a1 FETCH 2 BODY.PEEK[]<9.5>
S: * 2 FETCH (BODY[]<9> {5}
S: parts)
S: a1 OK FETCH completed.
C: a2 FETCH 2 BODY.PEEK[]<14.2>
S: * 2 FETCH (BODY[]<14> {2}
S: 
S: )
S: a2 OK FETCH completed.
C: a3 FETCH 2 BODY.PEEK[1]<1.1000>
S: * 2 FETCH (BODY[1]<1> {2}
S: ne)
S: a3 OK FETCH completed.
C: a4 FETCH 2 BODY.PEEK[1]<100.5>
S: * 2 FETCH (BODY[1]<100> {0}
S: )
S: a4 OK FETCH completed.
C: a5 FETCH 2 BODY.PEEK[HEADER.FIELDS (Subject)]<3.4>
S: * 2 FETCH (BODY[HEADER.FIELDS (SUBJECT)]<3> {4}
S: ject)
S: a5 OK FETCH completed.
C: a6 FETCH 2 BODY.PEEK[]<1.0>
S: a6 BAD FETCH: Number must not be zero.
C: a7 FETCH 2 BODY.PEEK[]<1>
S: a7 BAD FETCH: Unexpected character.
--- \Seen is set by what is not PEEK, and told
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 FETCH 1 BODY[TEXT]<0.5>
S: * 1 FETCH (BODY[TEXT]<0> {5}
S: Hello FLAGS (\Seen))
S: a1 OK FETCH completed.
C: a2 FETCH 1 BODY[TEXT]<0.5>
S: * 1 FETCH (BODY[TEXT]<0> {5}
S: Hello)
S: a2 OK FETCH completed.
C: a3 STORE 1:2 -FLAGS.SILENT (\Seen)
S: a3 OK STORE completed.
C: a4 FETCH 2 (RFC822.TEXT)
S+  FLAGS .*
S: a4 OK FETCH completed.
C: a5 FETCH 1 (FLAGS RFC822)
S: * 1 FETCH (FLAGS (\Seen) RFC822 {319}
S+ \)
S: a5 OK FETCH completed.
sh: ls Maildir/cur/1.x*S && ls Maildir/cur/2.x*RS
--- EXAMINE sets nothing
S+ \* PREAUTH .*
C: s EXAMINE INBOX
S+ s OK .*
C: a1 FETCH 1 BODY[TEXT]<0.5>
S: * 1 FETCH (BODY[TEXT]<0> {5}
S: Hello)
S: a1 OK FETCH completed.
sh: ls Maildir/cur/1.x:2,
--- what is wrong
S+ \* PREAUTH .*
C: s EXAMINE INBOX
S+ s OK .*
C: a1 FETCH 3 FLAGS
S: a1 BAD FETCH: Invalid message number.
C: a2 FETCH 0 FLAGS
S: a2 BAD FETCH: Number must not be zero.
C: a3 FETCH 1
S: a3 BAD FETCH: Missing argument.
C: a4 FETCH 1 FOO
S: a4 BAD FETCH: Unknown item.
C: a5 FETCH 1 (FLAGS
S: a5 BAD FETCH: Missing ')'.
C: a6 FETCH 1 BODY[FOO]
S: a6 BAD FETCH: Invalid section.
C: a7 FETCH 1 BODY[MIME]
S: a7 BAD FETCH: Invalid section.
C: a8 FETCH 1 BODY[1
S: a8 BAD FETCH: Missing ']'.
C: a9 FETCH 1 BODY.PEEK
S: a9 BAD FETCH: Unknown item.
C: b1 FETCH 1:2:3 FLAGS
S: b1 BAD FETCH: Missing argument.
C: b2 FETCH 4294967296 FLAGS
S: b2 BAD FETCH: Number too large.
C: b3 FETCH 1, FLAGS
S: b3 BAD FETCH: Number expected.
C: b4 UID FETCH 99 FLAGS
S: b4 OK UID FETCH completed.
C: b5 UID FETCH 99:* UID
S: * 2 FETCH (UID 2)
S: b5 OK UID FETCH completed.
C: b6 FETCH * UID
S: * 2 FETCH (UID 2)
S: b6 OK FETCH completed.
C: b7 FETCH 2:1 UID
S: * 1 FETCH (UID 1)
S: * 2 FETCH (UID 2)
S: b7 OK FETCH completed.
C: b8 FETCH 1 FLAGS x
S: b8 BAD FETCH: List expected.
--- a NUL in a file goes out as 0x80 (RFC 3501 4.3.1)
setup: printf 'A: b\n\nx\0y\n' >Maildir/cur/3.x:2,S
S+ \* PREAUTH .*
C: s EXAMINE INBOX
S+ s OK .*
C: a1 FETCH 3 BODY.PEEK[TEXT]
S: * 3 FETCH (BODY[TEXT] {5}
S~ x.y
S: )
S: a1 OK FETCH completed.
--- an empty folder has no numbers
setup: rm Maildir/cur/*
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 FETCH 1:* FLAGS
S: a1 BAD FETCH: Invalid message number.
C: a2 UID FETCH 1:* FLAGS
S: a2 OK UID FETCH completed.
