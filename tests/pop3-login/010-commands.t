#!tests/transcript
# pop3-login: every row of its table in both states, and what is no command.
run: pop3-login $ROOT/tests/login/checkpassword plain $ROOT/tests/login/session
env: UID=12345
env: GID=12345
setup: echo 0 >etc/login-delay
--- greeting, CAPA (RFC 2449)
S: +OK postern ready
C: CAPA
S: +OK Capabilities follow
S: TOP
S: UIDL
S: PIPELINING
S: RESP-CODES
S: AUTH-RESP-CODE
S: EXPIRE NEVER
S: UTF8 USER
S: USER
S: SASL PLAIN LOGIN
S: IMPLEMENTATION postern
S: .
C: CAPA x
S: -ERR No argument allowed, usage: CAPA
C: USER alice
S: +OK Now the password
C: capa
S+ \.
--- QUIT (RFC 1939 5)
S+ .*ready
C: QUIT x
S: -ERR No argument allowed, usage: QUIT
C: quit
S: +OK Bye
EOF
EXIT 0
--- QUIT after USER
S+ .*ready
C: USER alice
S: +OK Now the password
C: QUIT
S: +OK Bye
EOF
--- USER and PASS (RFC 1939 7)
S+ .*ready
C: PASS secret
S: -ERR Not now
C: USER
S: -ERR Argument missing, usage: USER name
C: USER bob
S: +OK Now the password
C: USER alice
S: +OK Now the password
C: PASS wrong
S: -ERR [AUTH] Login name or password is wrong
C: PASS secret
S: -ERR Not now
C: user alice
S: +OK Now the password
C: pass secret
S~ - OK PASS USER=alice POSTERN_MECHANISM=USER blocking=1 bad= fds=0,1,2 id=1
C: EXIT 4
S: echo EXIT 4
EOF
EXIT 4
--- blanks belong to the password
S+ .*ready
C: USER alice
S: +OK Now the password
C: PASS secret 
S: -ERR [AUTH] Login name or password is wrong
C: USER alice
S: +OK Now the password
C: PASS  secret
S: -ERR [AUTH] Login name or password is wrong
C: USER alice
S: +OK Now the password
C: PASS
S: -ERR [AUTH] Login name or password is wrong
--- pipelining: all at once, the rest goes to the session
S+ .*ready
C! USER alice\r\nPASS secret\r\nSTAT\r\nQUIT\r\n
S: +OK Now the password
S~ - OK PASS USER=alice .*
S: echo STAT
S: echo QUIT
EXIT 0
--- no such mailbox is not told apart from a wrong password
S+ .*ready
C: USER nobody
S: +OK Now the password
C: PASS x
S: -ERR [AUTH] Login name or password is wrong
--- the password program fails for a time (RFC 3206)
S+ .*ready
C: USER temp
S: +OK Now the password
C: PASS secret
S: -ERR [SYS/TEMP] Passwords cannot be checked now, try again later
C: AUTH PLAIN AGtpbGwAc2VjcmV0
S: -ERR [SYS/TEMP] Passwords cannot be checked now, try again later
--- the password program does not answer
setup: echo 1 >etc/login-check-timeout
S+ .*ready
C: USER slow
S: +OK Now the password
C: PASS secret
S: -ERR [SYS/TEMP] Passwords cannot be checked now, try again later
EOF
--- too many refusals
setup: echo 2 >etc/login-attempts
S+ .*ready
C! USER alice\r\nPASS x\r\nUSER alice\r\nPASS y\r\n
S: +OK Now the password
S: -ERR [AUTH] Login name or password is wrong
S: +OK Now the password
S: -ERR [AUTH] Login name or password is wrong, too often
EOF
EXIT 0
--- AUTH (RFC 5034), and a bare AUTH
S+ .*ready
C: AUTH
S: +OK
S: PLAIN
S: LOGIN
S: .
C: AUTH PLAIN
S: + 
C: AGFsaWNlAHNlY3JldA==
S~ - OK AUTH USER=alice POSTERN_MECHANISM=PLAIN .*
--- AUTH PLAIN with initial response, after USER
S+ .*ready
C: USER bob
S: +OK Now the password
C: AUTH plain AGFsaWNlAHNlY3JldA==
S~ - OK AUTH USER=alice POSTERN_MECHANISM=PLAIN .*
--- AUTH LOGIN
S+ .*ready
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: YWxpY2U=
S: + UGFzc3dvcmQ6
C: c2VjcmV0
S~ - OK AUTH USER=alice POSTERN_MECHANISM=LOGIN .*
--- AUTH: cancelled, syntax, mechanism, identity, wrong
S+ .*ready
C: AUTH PLAIN
S: + 
C: *
S: -ERR Authentication cancelled
C: AUTH PLAIN =
S: -ERR That is not what the mechanism expects
C: AUTH PLAIN *
S: -ERR That is not what the mechanism expects
C: AUTH CRAM-MD5
S: -ERR No such authentication mechanism
C: AUTH PLAIN Ym9iAGFsaWNlAHNlY3JldA==
S: -ERR [AUTH] Nobody may act for another user here
C: AUTH PLAIN AGFsaWNlAHdyb25n
S: -ERR [AUTH] Login name or password is wrong
--- UTF8 (RFC 6856 2)
S+ .*ready
C: UTF8 x
S: -ERR No argument allowed, usage: UTF8
C: USER alice
S: +OK Now the password
C: UTF8
S: +OK UTF-8 it is
C: UTF8
S: +OK UTF-8 it is
C! USER J\xf6rg\r\n
S: -ERR That is not UTF-8
C: USER alice
S: +OK Now the password
C! PASS \xf6\r\n
S: -ERR That is not UTF-8
C: PASS secret
S: -ERR Not now
C: STLS
S~ -ERR .*
C: QUIT
S+ .*
--- STLS where there is none, and under TLS
S+ .*ready
C: STLS
S: -ERR TLS is not available here
--- STLS under TLS
env: SSL_PROTOCOL=TLSv1.3
S+ .*ready
C: STLS
S: -ERR TLS is active already
--- commands of the other state, unknown ones, controls
S+ .*ready
C: NOOP
S: -ERR Unknown command
C: STAT
S: -ERR Unknown command
C: APOP alice 0123456789abcdef
S: -ERR Unknown command
C: 
S: -ERR Unknown command
C! US\x00ER alice\r\n
S: -ERR Control characters are not allowed
C! QUIT\n
S: +OK Bye
--- too many errors
S+ .*ready
C! 1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n10\r\n
S+ -ERR \[SYS/PERM\] Too many errors
EOF
EXIT 0
--- in clear from elsewhere
env: TCPREMOTEIP=192.0.2.7
S+ .*ready
C: CAPA
S: +OK Capabilities follow
S: TOP
S: UIDL
S: PIPELINING
S: RESP-CODES
S: AUTH-RESP-CODE
S: EXPIRE NEVER
S: UTF8 USER
S: IMPLEMENTATION postern
S: .
C: USER alice
S: -ERR [AUTH] Passwords in clear need TLS first
C: PASS secret
S: -ERR [AUTH] Passwords in clear need TLS first
C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
S: -ERR [AUTH] Passwords in clear need TLS first
--- in clear from a network that the setting adds
env: TCPREMOTEIP=192.0.2.7
setup: mkdir -p $T/etc; echo 192.0.2.0/29 >$T/etc/cleartext-networks
S+ .*ready
C: USER alice
S~ \+OK.*
--- in clear from beside that network
env: TCPREMOTEIP=192.0.2.8
setup: mkdir -p $T/etc; echo 192.0.2.0/29 >$T/etc/cleartext-networks
S+ .*ready
C: USER alice
S: -ERR [AUTH] Passwords in clear need TLS first
--- the end of time: without a word (RFC 1939 3)
setup: echo 1 >etc/login-timeout
S+ .*ready
EOF
EXIT 0
--- shutdown
run: sh -c 'echo $$ >pid; exec pop3-login $ROOT/tests/login/checkpassword plain $ROOT/tests/login/session'
S+ .*ready
sh: kill -TERM $(cat pid)
EOF
EXIT 0
--- usage
run: pop3-login checkpassword
EOF
EXIT 100
