#!tests/transcript
# managesieve-login: every row of its table, in clear from loopback, and what is no command (RFC 5804).
run: managesieve-login $TESTS/checkpassword plain $TESTS/session
env: TESTS=$ROOT/tests/login
env: UID=12345
env: GID=12345
setup: echo 0 >etc/login-delay; echo 'fileinto vacation enotify' >etc/sieve-extensions; echo 3 >etc/sieve-max-redirects
--- greeting and CAPABILITY (RFC 5804 1.7 and 2.4)
S: "IMPLEMENTATION" "postern"
S: "SIEVE" "fileinto vacation enotify"
S: "SASL" "PLAIN LOGIN"
S: "NOTIFY" "mailto"
S: "MAXREDIRECTS" "3"
S: "LANGUAGE" "en"
S: "VERSION" "1.0"
S: OK "postern ready"
C: CAPABILITY
S: "IMPLEMENTATION" "postern"
S: "SIEVE" "fileinto vacation enotify"
S: "SASL" "PLAIN LOGIN"
S: "NOTIFY" "mailto"
S: "MAXREDIRECTS" "3"
S: "LANGUAGE" "en"
S: "VERSION" "1.0"
S: OK "CAPABILITY completed"
C: CAPABILITY "now"
S: NO "This command takes no arguments"
C: capability
S+ OK .*
--- NOTIFY goes with enotify (RFC 5804 1.7)
setup: echo 'fileinto vacation' >etc/sieve-extensions
S: "IMPLEMENTATION" "postern"
S: "SIEVE" "fileinto vacation"
S: "SASL" "PLAIN LOGIN"
S: "MAXREDIRECTS" "3"
S+ OK .*
--- NOOP (RFC 5804 2.13)
S+ OK .*
C: NOOP
S: OK "NOOP completed"
C: noop "STARTTLS-SYNC-42"
S: OK (TAG "STARTTLS-SYNC-42") "Done"
C: NOOP "a \"b\" \\ c"
S: OK (TAG "a \"b\" \\ c") "Done"
C! NOOP {5+}\r\na\r\nbc\r\n
S: OK (TAG {5}
S: a
S: bc) "Done"
C: NOOP ""
S: OK (TAG "") "Done"
C: NOOP tag
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
C: NOOP 5
S: NO "Syntax: NOOP [tag]"
C: NOOP "a" "b"
S: NO "Syntax: NOOP [tag]"
--- LOGOUT (RFC 5804 2.3): nothing behind it counts
S+ OK .*
C: LOGOUT "now"
S: NO "This command takes no arguments"
C! LOGOUT\r\nNOOP\r\n
S: OK "Logging out"
EOF
END
EXIT 0
--- commands that come after login (RFC 5804 2)
S+ OK .*
C: HAVESPACE "a" 5
S: NO "Log in first"
C: PUTSCRIPT "a" "keep;"
S: NO "Log in first"
C! PUTSCRIPT "a" {16+}\r\nLOGOUT\r\nLOGOUT\r\n\r\n
S: NO "Log in first"
C: LISTSCRIPTS
S: NO "Log in first"
C: SETACTIVE ""
S: NO "Log in first"
C: GETSCRIPT "a"
S: NO "Log in first"
C: DELETESCRIPT "a"
S: NO "Log in first"
C: RENAMESCRIPT "a" "b"
S: NO "Log in first"
C: CHECKSCRIPT "keep;"
S: NO "Log in first"
--- unknown ones (RFC 5804 2)
S+ OK .*
C: UNAUTHENTICATE
S: NO "No such command"
C: X
S: NO "No such command"
C: 
S: NO "A line begins with a command"
C:  NOOP
S: NO "A line begins with a command"
C: "NOOP"
S: NO "A line begins with a command"
--- STARTTLS where there is none (RFC 5804 2.2)
S+ OK .*
C: STARTTLS
S: NO "TLS is not available here"
C: STARTTLS "x"
S: NO "This command takes no arguments"
--- STARTTLS under TLS
env: SSL_PROTOCOL=TLSv1.3
S+ OK .*
C: STARTTLS
S: NO "TLS is active already"
--- AUTHENTICATE PLAIN with an initial response (RFC 5804 2.1)
S+ OK .*
C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="
S~ - OK AUTHENTICATE USER=alice POSTERN_MECHANISM=PLAIN blocking=1 bad= fds=0,1,2 id=1
C: hello
S: echo hello
C: EXIT 3
S: echo EXIT 3
EOF
EXIT 3
--- the same as literals, and pipelined input for the session
S+ OK .*
C! Authenticate {5+}\r\nplain {20+}\r\nAGFsaWNlAHNlY3JldA==\r\nLISTSCRIPTS\r\nPUTSCRIPT "x" {3
S~ - OK AUTHENTICATE USER=alice .*
S: echo LISTSCRIPTS
C: +}
S: echo PUTSCRIPT "x" {3+}
--- without one: an empty challenge, and the answer is a string on a line
S+ OK .*
C: AUTHENTICATE "PLAIN"
S: ""
C: "AGFsaWNlAHNlY3JldA=="
S~ - OK AUTHENTICATE USER=alice .*
--- the answer as a literal
S+ OK .*
C: AUTHENTICATE "PLAIN"
S: ""
C! {20+}\r\nAGFsaWNlAHNlY3JldA==\r\n
S~ - OK AUTHENTICATE USER=alice .*
--- AUTHENTICATE LOGIN
S+ OK .*
C: AUTHENTICATE "LOGIN"
S: "VXNlcm5hbWU6"
C: "YWxpY2U="
S: "UGFzc3dvcmQ6"
C: "c2VjcmV0"
S~ - OK AUTHENTICATE USER=alice POSTERN_MECHANISM=LOGIN .*
--- cancelled (RFC 5804 2.1)
S+ OK .*
C: AUTHENTICATE "PLAIN"
S: ""
C: "*"
S: NO "Authentication cancelled"
C: AUTHENTICATE "LOGIN"
S: "VXNlcm5hbWU6"
C: "*"
S: NO "Authentication cancelled"
C: NOOP
S: OK "NOOP completed"
--- what no mechanism takes
S+ OK .*
C: AUTHENTICATE
S: NO "Syntax: AUTHENTICATE mechanism [initial-response]"
C: AUTHENTICATE PLAIN
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
C: AUTHENTICATE "PLAIN" "x" "y"
S: NO "Syntax: AUTHENTICATE mechanism [initial-response]"
C: AUTHENTICATE "PLAIN" ""
S: NO "That is not what the mechanism expects"
C: AUTHENTICATE "PLAIN" "!!!"
S: NO "That is not what the mechanism expects"
C: AUTHENTICATE "PLAIN"
S: ""
C: AGFsaWNlAHNlY3JldA==
S: NO "That is not what the mechanism expects"
C: AUTHENTICATE "PLAIN"
S: ""
C: 
S: NO "That is not what the mechanism expects"
C: AUTHENTICATE "PLAIN" "Ym9iAGFsaWNlAHNlY3JldA=="
S: NO "Nobody may act for another user here"
C: AUTHENTICATE "DIGEST-MD5"
S: NO "No such authentication mechanism"
--- an answer of two strings
S+ OK .*
C: AUTHENTICATE "PLAIN"
S: ""
C: "AGFsaWNlAHNlY3JldA==" "x"
S: NO "That is not what the mechanism expects"
--- wrong, nobody, for a time: no user is told from a password (RFC 5804 5)
S+ OK .*
C: AUTHENTICATE "PLAIN" "AGFsaWNlAHdyb25n"
S: NO "Login name or password is wrong"
C: AUTHENTICATE "PLAIN" "AG5vYm9keQBzZWNyZQ=="
S: NO "Login name or password is wrong"
C: AUTHENTICATE "PLAIN" "AHRlbXAAc2VjcmV0"
S: NO (TRYLATER) "Passwords cannot be checked now, try again later"
C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="
S~ - OK .*
--- the password program does not answer
setup: echo 1 >etc/login-check-timeout
S+ OK .*
C: AUTHENTICATE "PLAIN" "AHNsb3cAc2VjcmV0"
S: BYE (TRYLATER) "Passwords cannot be checked now, try again later"
EOF
--- too many refusals: BYE is the answer (RFC 5804 2.1)
setup: echo 3 >etc/login-attempts
S+ OK .*
C! AUTHENTICATE "PLAIN" "AGFsaWNlAHdyb25n"\r\nAUTHENTICATE "PLAIN" "AGFsaWNlAHdyb25n"\r\nAUTHENTICATE "PLAIN" "AGFsaWNlAHdyb25n"\r\n
S: NO "Login name or password is wrong"
S: NO "Login name or password is wrong"
S: BYE "Login name or password is wrong, too often"
EOF
END
EXIT 0
--- passwords that a setting does not want (RFC 5804 1.3, AUTH-TOO-WEAK)
setup: echo SCRAM-SHA-256 >etc/sasl-mechanisms; echo yes >etc/sasl-scram; echo yes >etc/checkpassword-authorized
S: "IMPLEMENTATION" "postern"
S+ "SASL" "SCRAM-SHA-256"
S+ OK .*
C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="
S: NO (AUTH-TOO-WEAK) "Passwords are not taken here, use another mechanism"
C: AUTHENTICATE "login"
S: NO (AUTH-TOO-WEAK) "Passwords are not taken here, use another mechanism"
C: AUTHENTICATE "EXTERNAL"
S: NO "No such authentication mechanism"
--- too many errors
S+ OK .*
C! 1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n10\r\n
S+ BYE "Too many errors"
EOF
END
EXIT 0
--- too many commands before login
run: sh -c '(yes NOOP | head -n 120; cat) | managesieve-login $TESTS/checkpassword plain $TESTS/session'
S+ BYE "Too many commands before login"
--- a line too long
run: sh -c '(head -c 12900 /dev/zero | tr "\\0" x; echo; cat) | managesieve-login $TESTS/checkpassword plain $TESTS/session'
S+ OK .*
S: BYE "Line too long"
--- a literal too large is dropped, and its octets are no commands
run: sh -c '(printf "NOOP {39000+}\\r\\n"; yes LOGOUT | head -c 39000; printf "\\r\\nNOOP \"after\"\\r\\n"; cat) | managesieve-login $TESTS/checkpassword plain $TESTS/session'
S+ OK .*
S: NO "Literal too large"
S: OK (TAG "after") "Done"
--- a literal far too large
S+ OK .*
C: NOOP {65537+}
S: BYE (QUOTA/MAXSIZE) "Literal far too large"
EOF
--- a SASL message too long
run: sh -c '(printf "AUTHENTICATE \"PLAIN\"\\r\\n{12300+}\\r\\n"; yes QUJD | tr -d "\\n" | head -c 12300; printf "\\r\\nNOOP\\r\\n"; cat) | managesieve-login $TESTS/checkpassword plain $TESTS/session'
S+ ""
S: NO "Authentication exchange line too long"
S: OK "NOOP completed"
--- tag too long
run: sh -c '(printf "NOOP \""; head -c 1025 /dev/zero | tr "\\0" x; printf "\"\\r\\n"; cat) | managesieve-login $TESTS/checkpassword plain $TESTS/session'
S+ OK .*
S: NO "Tag too long"
--- the end of time (RFC 5804 1.1)
setup: echo 1 >etc/login-timeout
S+ OK .*
S: BYE "Login took too long"
EOF
END
EXIT 0
--- the same within a literal
setup: echo 1 >etc/login-timeout
S+ OK .*
C! NOOP {5+}\r\nab
S: BYE "Login took too long"
EOF
--- shutdown
run: sh -c 'echo $$ >pid; exec managesieve-login $TESTS/checkpassword plain $TESTS/session'
S+ OK .*
sh: kill -TERM $(cat pid)
S: BYE (TRYLATER) "Server is shutting down"
EOF
END
EXIT 0
--- usage
run: managesieve-login checkpassword
EOF
EXIT 100
