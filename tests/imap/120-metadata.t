#!tests/transcript
# METADATA (RFC 5464) and LIST-METADATA (RFC 9590).
env: MAILDIR=$T/Maildir
run: imap
setup: mkdir -p etc; echo 'mailto:postmaster@example.org' >etc/imap-admin; echo 'Shared comment' >etc/imap-comment
--- 4.2: the server's entries
S+ \* PREAUTH .*
C: a GETMETADATA "" /shared/comment
S: * METADATA "" (/shared/comment "Shared comment")
S: a OK GETMETADATA completed.
C: b GETMETADATA "" (/shared/admin /private/vendor/x/y)
S: * METADATA "" (/shared/admin "mailto:postmaster@example.org" /private/vendor/x/y NIL)
S: b OK GETMETADATA completed.
C: c SETMETADATA "" (/shared/comment "no")
S: c NO [NOPERM] Permission denied.
C: d SETMETADATA "" (/private/vendor/x/y "mine")
S: d OK SETMETADATA completed.
C: e GETMETADATA "" /private/vendor/x/y
S: * METADATA "" (/private/vendor/x/y "mine")
S: e OK GETMETADATA completed.
--- 4.2, 4.3: a mailbox's entries; setting, replacing, removing; names in any case
S+ \* PREAUTH .*
C: a SETMETADATA INBOX (/private/comment "My new comment" /shared/comment "This one is for you!")
S: a OK SETMETADATA completed.
C: b GETMETADATA "INBOX" (/shared/comment /private/comment)
S: * METADATA INBOX (/shared/comment "This one is for you!" /private/comment "My new comment")
S: b OK GETMETADATA completed.
C: c SETMETADATA INBOX (/PRIVATE/Comment NIL)
S: c OK SETMETADATA completed.
C: d GETMETADATA INBOX /private/comment
S: * METADATA INBOX (/private/comment NIL)
S: d OK GETMETADATA completed.
C: e SETMETADATA INBOX (/private/comment {33}
S: + OK
C! My new comment across\r\ntwo lines.
C: )
S: e OK SETMETADATA completed.
C: f GETMETADATA INBOX /private/comment
S: * METADATA INBOX (/private/comment {33}
S: My new comment across
S: two lines.)
S: f OK GETMETADATA completed.
C: g GETMETADATA nothere /private/comment
S: g NO [NONEXISTENT] No such mailbox.
C: h SETMETADATA nothere (/private/comment "x")
S: h NO [NONEXISTENT] No such mailbox.
C: i SETMETADATA INBOX (/private/comment ~{3+}
C! a\x00b)\r\n
S: i OK SETMETADATA completed.
C: j GETMETADATA INBOX /private/comment
S: * METADATA INBOX (/private/comment ~{3}
S~ a\x00b\)
S: j OK GETMETADATA completed.
--- 4.2.1, 4.2.2: MAXSIZE with LONGENTRIES, DEPTH, in either place
S+ \* PREAUTH .*
C: a SETMETADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \"boss@example.com\"" /private/filters/values/a/b x)
S: a BAD SETMETADATA: String expected.
C: b SETMETADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \"boss@example.com\"" /private/filters/values/a/b "x")
S: b OK SETMETADATA completed.
C: c GETMETADATA "INBOX" (DEPTH 1) (/private/filters/values)
S: * METADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \"boss@example.com\"")
S: c OK GETMETADATA completed.
C: d GETMETADATA (DEPTH infinity MAXSIZE 12) INBOX (/private/filters)
S: * METADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/a/b "x")
S: d OK [METADATA LONGENTRIES 23] GETMETADATA completed.
C: e GETMETADATA (DEPTH 0) INBOX /private/filters/values
S: * METADATA INBOX (/private/filters/values NIL)
S: e OK GETMETADATA completed.
C: f GETMETADATA (DEPTH 2) INBOX /private/x
S: f BAD GETMETADATA: DEPTH is 0, 1 or infinity.
C: g GETMETADATA (WIDTH 2) INBOX /private/x
S: g BAD GETMETADATA: Unknown option.
--- 3.2: what is no entry's name
S+ \* PREAUTH .*
C: a GETMETADATA INBOX /other/comment
S: a BAD GETMETADATA: Invalid entry name.
C: b GETMETADATA INBOX /private//comment
S: b BAD GETMETADATA: Invalid entry name.
C: c GETMETADATA INBOX "/private/com*"
S: c BAD GETMETADATA: Invalid entry name.
C: d GETMETADATA INBOX /private/comment/
S: d BAD GETMETADATA: Invalid entry name.
C: e SETMETADATA INBOX (/private "x")
S: e BAD SETMETADATA: Invalid entry name.
C: f GETMETADATA INBOX ()
S~ f BAD .*
--- 4.1: entries go along with RENAME and go with DELETE
S+ \* PREAUTH .*
C: a CREATE foo
S~ a OK .*
C: b SETMETADATA foo (/private/comment "p" /shared/comment "s")
S: b OK SETMETADATA completed.
C: c RENAME foo bar
S: c OK RENAME completed.
C: d GETMETADATA bar (/private/comment /shared/comment)
S: * METADATA bar (/private/comment "p" /shared/comment "s")
S: d OK GETMETADATA completed.
C: e DELETE bar
S: e OK DELETE completed.
C: f CREATE bar
S~ f OK .*
C: g GETMETADATA bar (/private/comment /shared/comment)
S: * METADATA bar (/private/comment NIL /shared/comment NIL)
S: g OK GETMETADATA completed.
--- 4.3: limits, and none is set if one fails
S+ \* PREAUTH .*
sh: i=0; { printf 'postern-metadata 1\n'; while [ $i -lt 199 ]; do printf 'INBOX\t/private/e/%d\tx\n' $i; i=$((i+1)); done; } >Maildir/postern-metadata
C: a SETMETADATA INBOX (/shared/comment "s" /private/e/198 "y" /private/e/199 "y" /private/e/200 "y")
S: a NO [METADATA TOOMANY] There are as many entries as there can be.
C: b GETMETADATA INBOX (/shared/comment /private/e/198)
S: * METADATA INBOX (/shared/comment NIL /private/e/198 "x")
S: b OK GETMETADATA completed.
C: c SETMETADATA INBOX (/private/e/199 "y")
S: c OK SETMETADATA completed.
C: d SETMETADATA INBOX (/shared/comment "s")
S: d NO [METADATA TOOMANY] There are as many entries as there can be.
--- 4.3: a value too long
S+ \* PREAUTH .*
C: a SETMETADATA INBOX (/private/comment {65537}
S: a NO [METADATA MAXSIZE 65536] The value is too long.
C: b SETMETADATA INBOX (/private/comment ~{4294967296}
S: b NO [METADATA MAXSIZE 65536] The value is too long.
C: c NOOP
S: c OK NOOP completed.
--- 4.3: a value too long that comes all the same; one that is not
setup: { printf 'a SETMETADATA INBOX (/private/comment {65537+}\r\n'; head -c 65537 /dev/zero | tr '\0' x; printf ' /private/x "y")\r\nb SETMETADATA INBOX (/private/comment {65536+}\r\n'; head -c 65536 /dev/zero | tr '\0' x; printf ')\r\nc LOGOUT\r\n'; } >input
run: sh -c 'imap <input'
S+ \* PREAUTH .*
S: a NO [METADATA MAXSIZE 65536] The value is too long.
S: b OK SETMETADATA completed.
S+ c OK LOGOUT completed.
--- RFC 6154 section 4: /private/specialuse
S+ \* PREAUTH .*
C: a CREATE s
S~ a OK .*
C: b SETMETADATA s (/private/specialuse "\\Sent")
S: b OK SETMETADATA completed.
C: c LIST (SPECIAL-USE) "" *
S: * LIST (\UnMarked \Sent) "." s
S: c OK LIST completed.
C: d SETMETADATA s (/private/specialuse "\\Nonsense")
S: d NO [USEATTR] Special use not supported.
--- RFC 9590 section 3: LIST RETURN (METADATA ...)
S+ \* PREAUTH .*
C: a CREATE foo
S~ a OK .*
C: b SETMETADATA foo (/private/color "#b71c1c")
S: b OK SETMETADATA completed.
C: c LIST "" % RETURN (METADATA (/shared/color /private/color))
S: * LIST (\UnMarked) "." INBOX
S: * METADATA INBOX (/shared/color NIL /private/color NIL)
S: * LIST (\UnMarked) "." foo
S: * METADATA foo (/shared/color NIL /private/color "#b71c1c")
S: c OK LIST completed.
C: d LIST "" % RETURN (METADATA (/other))
S: d BAD LIST: Invalid entry name.
