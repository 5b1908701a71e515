#!tests/transcript
# QUOTA (RFC 9208).
env: MAILDIR=$T/Maildir
env: QUOTA_RULE=*:bytes=2048:messages=3
run: imap
setup: mkdir -p Maildir/cur Maildir/new Maildir/tmp
setup: printf 'Subject: x\n\ny\n' >Maildir/cur/1.M1.x:2,S
--- 4.1.1, 4.1.2: the root of every mailbox, there or not, and its use
S+ \* PREAUTH .*
C: G0002 GETQUOTAROOT INBOX
S: * QUOTAROOT INBOX "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 1 3)
S: G0002 OK GETQUOTAROOT completed.
C: G0001 GETQUOTA "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 1 3)
S: G0001 OK GETQUOTA completed.
C: a GETQUOTAROOT "not there"
S: * QUOTAROOT "not there" "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 1 3)
S: a OK GETQUOTAROOT completed.
C: b GETQUOTA ""
S: b NO [NONEXISTENT] No such quota root.
C: c GETQUOTA
S~ c BAD .*
C: d GETQUOTAROOT INBOX x
S~ d BAD .*
--- 4.1.3: SETQUOTA is the administrator's
S+ \* PREAUTH .*
C: S0001 SETQUOTA "User quota" (STORAGE 510)
S: S0001 NO [NOPERM] Quotas are set by the administrator.
C: S0002 SETQUOTA "" ()
S: S0002 NO [NOPERM] Quotas are set by the administrator.
C: S0003 SETQUOTA "" (STORAGE 9223372036854775808)
S: S0003 BAD SETQUOTA: Number too large.
C: S0004 SETQUOTA "" (STORAGE x)
S: S0004 BAD SETQUOTA: Number expected.
--- 4.3.1: OVERQUOTA of APPEND and COPY
S+ \* PREAUTH .*
C: a APPEND INBOX {3000}
S: a NO [OVERQUOTA] The mailbox is full.
C: b APPEND INBOX {3+}
C! abc\r\n
S~ b OK \[APPENDUID .*
C: c SELECT INBOX
S+ c OK .*
C: d COPY 1:2 INBOX
S: d NO [OVERQUOTA] The mailbox is full.
C: e GETQUOTA "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 2 3)
S: e OK GETQUOTA completed.
C: f COPY 1 INBOX
S+ f OK \[COPYUID .*
C: g GETQUOTA "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 3 3)
S: g OK GETQUOTA completed.
--- 4.2.1: no limit, an empty list
env: QUOTA_RULE=*:bytes=0
S+ \* PREAUTH .*
C: a GETQUOTAROOT INBOX
S: * QUOTAROOT INBOX "User quota"
S: * QUOTA "User quota" ()
S: a OK GETQUOTAROOT completed.
