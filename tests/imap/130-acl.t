#!tests/transcript
# ACL (RFC 4314), LIST-MYRIGHTS (RFC 8440), the other users' namespace (RFC 2342), in one instance of one uid.
env: MAILDIR=$T/alice
env: USER=alice@example.org
env: SHARING=1
run: env SHARED= imap
--- 3.1 to 3.3: SETACL, GETACL, DELETEACL
S+ \* PREAUTH .*
C: a1 CREATE Drafts
S~ a1 OK .*
C: A001 SetAcl Drafts David lrswid
S: A001 OK SETACL completed.
C: A002 getacl Drafts
S: * ACL Drafts alice@example.org lrswipkxtecda david lrswited
S: A002 OK GETACL completed.
C: A003 SETACL Drafts chris@example.org lr
S: A003 OK SETACL completed.
C: A004 SETACL Drafts chris@example.org +te
S: A004 OK SETACL completed.
C: A005 SETACL Drafts chris@example.org -rt
S: A005 OK SETACL completed.
C: A006 SETACL Drafts -fred w
S: A006 OK SETACL completed.
C: A007 GETACL Drafts
S: * ACL Drafts alice@example.org lrswipkxtecda david lrswited chris@example.org led -fred w
S: A007 OK GETACL completed.
sh: grep -qx 'user=chris@example.org le' alice/.Drafts/dovecot-acl && grep -qx -- '-user=fred w' alice/.Drafts/dovecot-acl
sh: test "$(stat -c %a alice/.Drafts/cur)" = 2770 && grep -q '^user=david	Drafts$' alice/postern-shared
C: A008 DELETEACL Drafts david
S: A008 OK DELETEACL completed.
C: A009 SETACL Drafts chris@example.org ""
S: A009 OK SETACL completed.
C: A010 GETACL Drafts
S: * ACL Drafts alice@example.org lrswipkxtecda -fred w
S: A010 OK GETACL completed.
sh: test "$(stat -c %a alice/.Drafts)" = 700 && test ! -s alice/postern-shared
C: A035 SETACL Drafts John lrQswicda
S: A035 BAD SETACL: Unknown right.
C: A036 SETACL Drafts John lrqswicda
S: A036 BAD SETACL: Unknown right.
C: A037 SETACL Drafts "" lr
S: A037 BAD SETACL: Invalid identifier.
--- what cannot be granted is refused
S+ \* PREAUTH .*
C: a CREATE foo
S~ a OK .*
C: b SETACL foo bob lrk
S: b NO [CANNOT] The rights k, x and a are the owner's alone.
C: c SETACL INBOX bob lr
S: c NO [CANNOT] INBOX cannot be shared.
C: d SETACL foo $team lr
S: d NO [CANNOT] There are no groups.
C: e SETACL foo alice@example.org lr
S: e NO [CANNOT] The owner has all rights, always.
C: f SETACL foo Alice@Example.Org lrswipkxtea
S: f OK SETACL completed.
C: g DELETEACL foo alice@example.org
S: g NO [CANNOT] The owner has all rights, always.
C: h SETACL nothere bob lr
S: h NO [NONEXISTENT] No such mailbox.
C: i GETACL nothere
S: i NO [NONEXISTENT] No such mailbox.
sh: i=0; while [ $i -lt 256 ]; do echo "user=u$i lr"; i=$((i+1)); done >alice/.foo/dovecot-acl
C: j SETACL foo bob lr
S: j NO [LIMIT] There are as many identifiers as there can be.
--- 3.4, 3.5: LISTRIGHTS, MYRIGHTS
S+ \* PREAUTH .*
C: a CREATE foo
S~ a OK .*
C: b LISTRIGHTS foo alice@example.org
S: * LISTRIGHTS foo alice@example.org lrswipkxtecda
S: b OK LISTRIGHTS completed.
C: c LISTRIGHTS foo Smith
S: * LISTRIGHTS foo Smith "" l r s w i p t e d
S: c OK LISTRIGHTS completed.
C: d listrights INBOX anyone
S: * LISTRIGHTS INBOX anyone ""
S: d OK LISTRIGHTS completed.
C: A003 MYRIGHTS INBOX
S: * MYRIGHTS INBOX lrswipkxtecda
S: A003 OK MYRIGHTS completed.
C: e MYRIGHTS nothere
S: e NO [NONEXISTENT] No such mailbox.
--- RFC 8440 section 4: LIST RETURN (MYRIGHTS)
S+ \* PREAUTH .*
C: A00 SUBSCRIBE bar
S: A00 OK SUBSCRIBE completed.
C: A01 LIST "" % RETURN (MYRIGHTS SUBSCRIBED)
S: * LIST (\UnMarked) "." INBOX
S: * MYRIGHTS INBOX lrswipkxtecda
S: A01 OK LIST completed.
C: A02 LIST (SUBSCRIBED) "" % RETURN (MYRIGHTS)
S: * LIST (\NonExistent \Subscribed) "." bar
S: A02 OK LIST completed.
--- a new mailbox has its parent's ACL (section 4), DELETE takes it along
S+ \* PREAUTH .*
C: a CREATE foo
S~ a OK .*
C: b SETACL foo bob lr
S: b OK SETACL completed.
C: c CREATE foo.bar.baz
S~ c OK .*
C: d GETACL foo.bar.baz
S: * ACL foo.bar.baz alice@example.org lrswipkxtecda bob lr
S: d OK GETACL completed.
C: e DELETE foo.bar.baz
S: e OK DELETE completed.
C: f DELETE foo
S: f OK DELETE completed.
C: g CREATE foo
S~ g OK .*
C: h GETACL foo
S: * ACL foo alice@example.org lrswipkxtecda
S: h OK GETACL completed.
--- NAMESPACE names the other users' where there is sharing
S+ \* PREAUTH .*
C: a NAMESPACE
S: * NAMESPACE (("" ".")) (("Other Users." ".")) NIL
S: a OK NAMESPACE completed.
C: b CREATE "Other Users.x"
S: b NO [NOPERM] Permission denied.
C: c SELECT "Other Users.x"
S: c NO [NONEXISTENT] No such mailbox.
--- who was not given leave to share may not
run: env -u SHARING SHARED= imap
S+ \* PREAUTH .*
C: a CREATE foo
S~ a OK .*
C: b SETACL foo bob lr
S: b NO [NOPERM] Sharing is not enabled for this account.
