#!tests/transcript
# SEARCH: every key, charsets, nesting, ESEARCH (RFC 3501 6.4.4, RFC 4731).
env: MAILDIR=$T/Maildir
env: TZ=UTC
run: imap
setup: mkdir -p Maildir/new Maildir/cur Maildir/tmp
setup: printf 'From: "Smith, John" <smith@example.org>\nTo: bob@example.test\nCc: carol@example.test\nBcc: dave@example.test\nSubject: Annual Report\nX-Tag: one\nDate: Tue, 1 Feb 1994 23:30:00 -0800\n\nHello world\n' >Maildir/cur/1.x:2,FS; touch -d '1994-02-02 12:00 UTC' Maildir/cur/1.*
setup: printf 'From: anna@example.org\nSubject: =?iso-8859-1?Q?Caf=E9_au?= =?utf-8?B?IGxhaXQ=?=\nDate: Thu, 3 Feb 1994 10:00:00 +0000\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nR3LDvMOfZSBhdXMgS8O2bG4K\n' >Maildir/cur/2.x:2,RTa; touch -d '1994-02-03 12:00 UTC' Maildir/cur/2.*
setup: printf 'From: smith@example.org\nSubject: parts\nDate: Fri, 4 Feb 1994 10:00:00 +0000\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nna=EFve soft=\nbreak\n--b\nContent-Type: application/octet-stream\n\nHello binary\n--b\nContent-Type: message/rfc822\n\nSubject: enclosed\n\ndeep inside\n--b--\n' >Maildir/new/3.x; touch -d '1994-02-04 12:00 UTC' Maildir/new/3.*
setup: printf '0 $Junk\n' >Maildir/dovecot-keywords
--- flags
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 SEARCH ALL
S: * SEARCH 1 2 3
S: 1 OK SEARCH completed.
C: 2 SEARCH ANSWERED
S: * SEARCH 2
S: 2 OK SEARCH completed.
C: 3 SEARCH DELETED
S: * SEARCH 2
S: 3 OK SEARCH completed.
C: 4 SEARCH DRAFT
S: * SEARCH
S: 4 OK SEARCH completed.
C: 5 SEARCH FLAGGED
S: * SEARCH 1
S: 5 OK SEARCH completed.
C: 6 SEARCH NEW
S: * SEARCH 3
S: 6 OK SEARCH completed.
C: 7 SEARCH OLD
S: * SEARCH 1 2
S: 7 OK SEARCH completed.
C: 8 SEARCH RECENT
S: * SEARCH 3
S: 8 OK SEARCH completed.
C: 9 SEARCH SEEN
S: * SEARCH 1
S: 9 OK SEARCH completed.
C: 10 SEARCH UNANSWERED
S: * SEARCH 1 3
S: 10 OK SEARCH completed.
C: 11 SEARCH UNDELETED
S: * SEARCH 1 3
S: 11 OK SEARCH completed.
C: 12 SEARCH UNDRAFT
S: * SEARCH 1 2 3
S: 12 OK SEARCH completed.
C: 13 SEARCH UNFLAGGED
S: * SEARCH 2 3
S: 13 OK SEARCH completed.
C: 14 SEARCH UNSEEN
S: * SEARCH 2 3
S: 14 OK SEARCH completed.
C: 15 SEARCH KEYWORD $junk
S: * SEARCH 2
S: 15 OK SEARCH completed.
C: 16 SEARCH UNKEYWORD $Junk
S: * SEARCH 1 3
S: 16 OK SEARCH completed.
C: 17 SEARCH KEYWORD nosuch
S: * SEARCH
S: 17 OK SEARCH completed.
C: 18 SEARCH UNKEYWORD nosuch
S: * SEARCH 1 2 3
S: 18 OK SEARCH completed.
C: 19 SEARCH KEYWORD $Forwarded
S: * SEARCH
S: 19 OK SEARCH completed.
--- sets, UID, size
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 SEARCH 2:3
S: * SEARCH 2 3
S: 1 OK SEARCH completed.
C: 2 SEARCH *
S: * SEARCH 3
S: 2 OK SEARCH completed.
C: 3 SEARCH UID 1,3
S: * SEARCH 1 3
S: 3 OK SEARCH completed.
C: 4 UID SEARCH UID 1:* NOT 2
S: * SEARCH 1 3
S: 4 OK UID SEARCH completed.
C: 5 SEARCH 7
S: * SEARCH
S: 5 OK SEARCH completed.
C: 6 SEARCH LARGER 250
S: * SEARCH 3
S: 6 OK SEARCH completed.
C: 7 SEARCH SMALLER 220
S: * SEARCH 1
S: 7 OK SEARCH completed.
--- dates
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 SEARCH BEFORE 3-Feb-1994
S: * SEARCH 1
S: 1 OK SEARCH completed.
C: 2 SEARCH ON 3-Feb-1994
S: * SEARCH 2
S: 2 OK SEARCH completed.
C: 3 SEARCH SINCE "3-Feb-1994"
S: * SEARCH 2 3
S: 3 OK SEARCH completed.
C: 4 SEARCH SENTBEFORE 2-Feb-1994
S: * SEARCH 1
S: 4 OK SEARCH completed.
C: 5 SEARCH SENTON 1-Feb-1994
S: * SEARCH 1
S: 5 OK SEARCH completed.
C: 6 SEARCH SENTSINCE 04-Feb-1994
S: * SEARCH 3
S: 6 OK SEARCH completed.
C: 7 SEARCH ON 31-Foo-1994
S: 7 BAD SEARCH: Invalid date.
--- headers
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 SEARCH FROM smith
S: * SEARCH 1 3
S: 1 OK SEARCH completed.
C: 2 SEARCH TO BOB@
S: * SEARCH 1
S: 2 OK SEARCH completed.
C: 3 SEARCH CC carol
S: * SEARCH 1
S: 3 OK SEARCH completed.
C: 4 SEARCH BCC dave
S: * SEARCH 1
S: 4 OK SEARCH completed.
C: 5 SEARCH SUBJECT "annual report"
S: * SEARCH 1
S: 5 OK SEARCH completed.
C: 6 SEARCH HEADER x-tag ONE
S: * SEARCH 1
S: 6 OK SEARCH completed.
C: 7 SEARCH HEADER X-Tag ""
S: * SEARCH 1
S: 7 OK SEARCH completed.
C: 8 SEARCH HEADER Date "10:00"
S: * SEARCH 2 3
S: 8 OK SEARCH completed.
C: 9 SEARCH FROM "Smith, John"
S: * SEARCH 1
S: 9 OK SEARCH completed.
--- text: MIME decoded, case folded, charsets
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 SEARCH BODY hello
S: * SEARCH 1
S: 1 OK SEARCH completed.
C: 2 SEARCH BODY softbreak
S: * SEARCH 3
S: 2 OK SEARCH completed.
C: 3 SEARCH BODY "deep inside"
S: * SEARCH 3
S: 3 OK SEARCH completed.
C: 4 SEARCH TEXT smith
S: * SEARCH 1 3
S: 4 OK SEARCH completed.
C: 5 SEARCH BODY annual
S: * SEARCH
S: 5 OK SEARCH completed.
C: 6 SEARCH TEXT annual
S: * SEARCH 1
S: 6 OK SEARCH completed.
C! 7 SEARCH CHARSET UTF-8 BODY {8+}\r\nGR\xc3\x9cSSE \r\n
S: * SEARCH
S: 7 OK SEARCH completed.
C! 8 SEARCH CHARSET UTF-8 BODY {6+}\r\ngR\xc3\x9c\xc3\x9f\r\n
S: * SEARCH 2
S: 8 OK SEARCH completed.
C! 9 SEARCH CHARSET ISO-8859-1 SUBJECT {4+}\r\nCAF\xc9\r\n
S: * SEARCH 2
S: 9 OK SEARCH completed.
C: 10 SEARCH SUBJECT "au lait"
S: * SEARCH 2
S: 10 OK SEARCH completed.
C! 11 SEARCH CHARSET KOI8-R TEXT {3+}\r\n\xc1\xc2\xc3\r\n
S: * SEARCH
S: 11 OK SEARCH completed.
C! 11b SEARCH CHARSET ISO-2022-JP TEXT {10+}\r\n\x1b$B$"$$\x1b(B\r\n
S: * SEARCH
S: 11b OK SEARCH completed.
C: 12 SEARCH CHARSET X-NONE TEXT a
S~ 12 NO \[BADCHARSET \(.*\)\] Charset not known\.
C: 13 SEARCH BODY ""
S: * SEARCH 1 2 3
S: 13 OK SEARCH completed.
C! 14 SEARCH CHARSET ISO-8859-1 BODY {5+}\r\nNA\xcfVE\r\n
S: * SEARCH 3
S: 14 OK SEARCH completed.
--- NOT, OR, lists
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 SEARCH NOT FROM smith
S: * SEARCH 2
S: 1 OK SEARCH completed.
C: 2 SEARCH OR FLAGGED DELETED
S: * SEARCH 1 2
S: 2 OK SEARCH completed.
C: 3 SEARCH OR BODY hello SUBJECT parts
S: * SEARCH 1 3
S: 3 OK SEARCH completed.
C: 4 SEARCH (FROM smith) NOT (BODY hello)
S: * SEARCH 3
S: 4 OK SEARCH completed.
C: 5 SEARCH NOT NOT NOT (1 2)
S: * SEARCH 1 2 3
S: 5 OK SEARCH completed.
C: 6 SEARCH OR (OR 1 2) (NOT 3)
S: * SEARCH 1 2
S: 6 OK SEARCH completed.
C: 7 SEARCH ((((((((((((((((((((((((((((((((((ALL))))))))))))))))))))))))))))))))))
S: 7 BAD SEARCH: Search keys nested too deeply.
C: 8 SEARCH OR ALL
S: 8 BAD SEARCH: Missing argument.
C: 9 SEARCH FOO
S: 9 BAD SEARCH: Unknown search key.
C: 10 SEARCH
S: 10 BAD SEARCH: Missing argument.
C: 11 SEARCH (ALL
S: 11 BAD SEARCH: Missing ')'.
C: 12 SEARCH ALL 
S: 12 BAD SEARCH: Unknown search key.
--- ESEARCH (RFC 4731 section 3)
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A1 SEARCH RETURN (MIN COUNT) ALL
S: * ESEARCH (TAG "A1") MIN 1 COUNT 3
S: A1 OK SEARCH completed.
C: A2 UID SEARCH RETURN (MIN MAX ALL COUNT) FROM smith
S: * ESEARCH (TAG "A2") UID MIN 1 MAX 3 ALL 1,3 COUNT 2
S: A2 OK UID SEARCH completed.
C: A3 SEARCH RETURN () ALL
S: * ESEARCH (TAG "A3") ALL 1:3
S: A3 OK SEARCH completed.
C: A4 SEARCH RETURN (COUNT ALL) DRAFT
S: * ESEARCH (TAG "A4") COUNT 0
S: A4 OK SEARCH completed.
C: A5 SEARCH RETURN (ALL MIN MAX) DRAFT
S: * ESEARCH (TAG "A5")
S: A5 OK SEARCH completed.
C: A6 SEARCH RETURN (FOO) ALL
S: A6 BAD SEARCH: Unknown return option.
C! A7 SEARCH RETURN (COUNT) CHARSET UTF-8 SUBJECT {5+}\r\nCaf\xc3\xa9\r\n
S: * ESEARCH (TAG "A7") COUNT 1
S: A7 OK SEARCH completed.
C: A8 SEARCH RETURN ALL
S: A8 BAD SEARCH: List expected.
