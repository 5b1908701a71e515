#!tests/transcript
# managesieve: every row of its table (RFC 5804 2), run by hand, which needs no login.
run: managesieve
env: HOME=$T/home
env: USER=alice@example.test
env: POSTERN_SASL=
setup: mkdir $T/home; echo 'fileinto envelope enotify' >etc/sieve-extensions
--- greeting and CAPABILITY (RFC 5804 1.7 and 2.4)
S: "IMPLEMENTATION" "postern"
S: "SIEVE" "fileinto envelope enotify"
S: "NOTIFY" "mailto"
S: "MAXREDIRECTS" "4"
S: "LANGUAGE" "en"
S: "OWNER" "alice@example.test"
S: "VERSION" "1.0"
S: OK "postern ready, logged in already"
C: CAPABILITY
S: "IMPLEMENTATION" "postern"
S: "SIEVE" "fileinto envelope enotify"
S: "NOTIFY" "mailto"
S: "MAXREDIRECTS" "4"
S: "LANGUAGE" "en"
S: "OWNER" "alice@example.test"
S: "VERSION" "1.0"
S: OK "CAPABILITY completed"
C: CAPABILITY "x"
S: NO "This command takes no arguments"
--- the mechanisms that there were before login (RFC 5804 1.7)
env: POSTERN_SASL=SCRAM-SHA-256 PLAIN
S: "IMPLEMENTATION" "postern"
S: "SIEVE" "fileinto envelope enotify"
S: "SASL" "SCRAM-SHA-256 PLAIN"
S+ OK .*
--- once logged in (RFC 5804 2.1 and 2.2)
S+ OK .*
C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="
S: NO "Not after login"
C: STARTTLS
S: NO "Not after login"
C: UNAUTHENTICATE
S: NO "No such command"
--- NOOP (RFC 5804 2.13)
S+ OK .*
C: NOOP
S: OK "NOOP completed"
C! noop {3+}\r\na"b\r\n
S: OK (TAG "a\"b") "Done"
C: NOOP "a" "b"
S: NO "Syntax: NOOP [tag]"
--- LOGOUT (RFC 5804 2.3)
S+ OK .*
C: LOGOUT "x"
S: NO "This command takes no arguments"
C! Logout\r\nNOOP\r\n
S: OK "Logging out"
EOF
END
EXIT 0
--- PUTSCRIPT and GETSCRIPT (RFC 5804 2.6 and 2.9): what comes is what went
S+ OK .*
C! Putscript "mysievescript" {111+}\r\nrequire ["fileinto", "envelope"];\r\n\r\nif envelope :contains "to" "tmartin+sent" {\r\n  fileinto "INBOX.sent";\r\n}\r\n\r\n
S: OK "Script stored"
C: Getscript "mysievescript"
S: {111}
S: require ["fileinto", "envelope"];
S: 
S: if envelope :contains "to" "tmartin+sent" {
S:   fileinto "INBOX.sent";
S: }
S: 
S: OK "GETSCRIPT completed"
C: PUTSCRIPT "mysievescript" "keep;"
S: OK "Script stored"
C: GETSCRIPT "mysievescript"
S: {5}
S: keep;
S: OK "GETSCRIPT completed"
C! PUTSCRIPT {5+}\r\nother {5+}\r\nstop;\r\n
S: OK "Script stored"
C: GETSCRIPT "baz"
S: NO (NONEXISTENT) "There is no script by that name"
C: GETSCRIPT "mysievescript" "x"
S: NO "Syntax: GETSCRIPT name"
sh: test "$(cat $T/home/sieve/mysievescript.sieve)" = 'keep;' && test "$(stat -c %a $T/home/sieve $T/home/sieve/other.sieve | tr '\n' ' ')" = '700 600 '
--- a script with errors is not stored, and the old one stays (RFC 5804 2.6)
S+ OK .*
C: PUTSCRIPT "foo" "keep;"
S: OK "Script stored"
C! Putscript "foo" {31+}\r\n#comment\r\nInvalidSieveCommand\r\n\r\n
S~ NO .*\bline 2: .*
C: GETSCRIPT "foo"
S: {5}
S: keep;
S: OK "GETSCRIPT completed"
C: PUTSCRIPT "foo" ""
S: NO "A script must not be empty"
C: PUTSCRIPT "foo"
S: NO "Syntax: PUTSCRIPT name script"
C: PUTSCRIPT "foo" 5
S: NO "Syntax: PUTSCRIPT name script"
C: PUTSCRIPT "foo" "keep;" "x"
S: NO "Syntax: PUTSCRIPT name script"
C: LISTSCRIPTS
S: "foo"
S: OK "LISTSCRIPTS completed"
--- CHECKSCRIPT (RFC 5804 2.12) stores nothing, whatever the quota
setup: echo 1 >etc/managesieve-max-scripts; echo 10 >etc/managesieve-max-storage
S+ OK .*
C: PUTSCRIPT "full" "keep;"
S: OK "Script stored"
C! CheckScript {31+}\r\n#comment\r\nInvalidSieveCommand\r\n\r\n
S~ NO .*\bline 2: .*
C: CHECKSCRIPT "keep; discard; stop;"
S: OK "Script is valid"
C: CHECKSCRIPT ""
S: OK "Script is valid"
C: CHECKSCRIPT
S: NO "Syntax: CHECKSCRIPT script"
C: LISTSCRIPTS
S: "full"
S: OK "LISTSCRIPTS completed"
--- warnings (RFC 5804 1.3 and 2.6): the script is stored
setup: echo 2 >etc/sieve-max-redirects
S+ OK .*
C! PUTSCRIPT "w" {13+}\r\nstop;\r\nkeep;\n\r\n
S: OK (WARNINGS) "line 2: never reached: it stands behind stop"
C! CHECKSCRIPT {90+}\r\nredirect "a@x.test";redirect "b@x.test";\r\nif true {\r\n redirect "c@x.test"; stop; keep; }\r\n\r\n
S: OK (WARNINGS) {109}
S: line 3: redirect number 3: a run with more than 2 of them fails
S: line 3: never reached: it stands behind stop
C: LISTSCRIPTS
S: "w"
S: OK "LISTSCRIPTS completed"
--- LISTSCRIPTS (RFC 5804 2.7): by name, at most one active; and SETACTIVE (RFC 5804 2.8)
S+ OK .*
C: LISTSCRIPTS
S: OK "LISTSCRIPTS completed"
C! PUTSCRIPT "vacation" "keep;"\r\nPUTSCRIPT "clever\\"script" "keep;"\r\nPUTSCRIPT "a" "keep;"\r\n
S: OK "Script stored"
S: OK "Script stored"
S: OK "Script stored"
C: LISTSCRIPTS
S: "a"
S: "clever\"script"
S: "vacation"
S: OK "LISTSCRIPTS completed"
C: SETACTIVE ""
S: OK "No script is active"
C: SETACTIVE "baz"
S: NO (NONEXISTENT) "There is no script by that name"
C: SETACTIVE "vacation"
S: OK "Script is active"
sh: test "$(readlink $T/home/.dovecot.sieve)" = sieve/vacation.sieve
C: LISTSCRIPTS
S: "a"
S: "clever\"script"
S: "vacation" ACTIVE
S: OK "LISTSCRIPTS completed"
C: SETACTIVE "clever\"script"
S: OK "Script is active"
C: listscripts
S: "a"
S: "clever\"script" ACTIVE
S: "vacation"
S: OK "LISTSCRIPTS completed"
C: SETACTIVE ""
S: OK "No script is active"
sh: test ! -L $T/home/.dovecot.sieve
C: LISTSCRIPTS "x"
S: NO "This command takes no arguments"
C: SETACTIVE
S: NO "Syntax: SETACTIVE name"
C: SETACTIVE "a" "b"
S: NO "Syntax: SETACTIVE name"
--- DELETESCRIPT (RFC 5804 2.10)
S+ OK .*
C! PUTSCRIPT "foo" "keep;"\r\nPUTSCRIPT "baz" "keep;"\r\nSETACTIVE "baz"\r\n
S: OK "Script stored"
S: OK "Script stored"
S: OK "Script is active"
C: Deletescript "foo"
S: OK "Script deleted"
C: Deletescript "foo"
S: NO (NONEXISTENT) "There is no script by that name"
C: Deletescript "baz"
S: NO (ACTIVE) "The active script cannot be deleted"
C: DELETESCRIPT ""
S: NO "That cannot be the name of a script"
C: DELETESCRIPT
S: NO "Syntax: DELETESCRIPT name"
sh: touch $T/home/sieve/baz.sieve.code
C! SETACTIVE ""\r\nDELETESCRIPT "baz"\r\n
S: OK "No script is active"
S: OK "Script deleted"
sh: test "$(ls $T/home/sieve)" = tmp
--- RENAMESCRIPT (RFC 5804 2.11): the active one stays active
S+ OK .*
C! PUTSCRIPT "foo" "keep;"\r\nPUTSCRIPT "baz" "stop;"\r\nSETACTIVE "foo"\r\n
S: OK "Script stored"
S: OK "Script stored"
S: OK "Script is active"
C: Renamescript "foo" "bar"
S: OK "Script renamed"
sh: test "$(readlink $T/home/.dovecot.sieve)" = sieve/bar.sieve && test ! -e $T/home/sieve/foo.sieve
C: Renamescript "baz" "bar"
S: NO (ALREADYEXISTS) "There is a script by that name already"
C: Renamescript "baz" "baz"
S: NO (ALREADYEXISTS) "There is a script by that name already"
C: Renamescript "foo" "new"
S: NO (NONEXISTENT) "There is no script by that name"
C: RENAMESCRIPT "baz" "x/y"
S: NO "That cannot be the name of a script"
C: RENAMESCRIPT "baz"
S: NO "Syntax: RENAMESCRIPT name new-name"
C: RENAMESCRIPT "baz" "z"
S: OK "Script renamed"
C: LISTSCRIPTS
S: "bar" ACTIVE
S: "z"
S: OK "LISTSCRIPTS completed"
--- HAVESPACE (RFC 5804 2.5)
S+ OK .*
C: HAVESPACE "foobar" 435
S: OK "There is room for it"
C: HAVESPACE "myscript" 999999999
S: NO (QUOTA/MAXSIZE) "Script too large"
C: HAVESPACE "x" 4294967296
S: NO (QUOTA/MAXSIZE) "Script too large"
C: HAVESPACE "x" "5"
S: NO "Syntax: HAVESPACE name size"
C: HAVESPACE 5 5
S: NO "Syntax: HAVESPACE name size"
C: HAVESPACE "" 5
S: NO "That cannot be the name of a script"
C: HAVESPACE "x" -1
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
--- names (RFC 5804 1.6)
S+ OK .*
C: PUTSCRIPT "a/b" "keep;"
S: NO "That cannot be the name of a script"
C: PUTSCRIPT "../x" "keep;"
S: NO "That cannot be the name of a script"
C! PUTSCRIPT "\xef\xbb\xbfa" "keep;"\r\n
S: NO "That cannot be the name of a script"
C: PUTSCRIPT "" "keep;"
S: NO "That cannot be the name of a script"
C! PUTSCRIPT {3+}\r\na\r\n "keep;"\r\n
S: NO "That cannot be the name of a script"
C! PUTSCRIPT {3+}\r\na\x00b "keep;"\r\n
S: NO "That cannot be the name of a script"
C! PUTSCRIPT {3+}\r\na\xffb "keep;"\r\n
S: NO "That cannot be the name of a script"
C! PUTSCRIPT "a\x7f" "keep;"\r\n
S: NO "That cannot be the name of a script"
C! PUTSCRIPT "a\xc2\x85" "keep;"\r\n
S: NO "That cannot be the name of a script"
C! PUTSCRIPT "a\xe2\x80\xa8" "keep;"\r\n
S: NO "That cannot be the name of a script"
C! PUTSCRIPT "a\xe2\x80\xa9" "keep;"\r\n
S: NO "That cannot be the name of a script"
C! PUTSCRIPT "a\tb" "keep;"\r\n
S: NO "That cannot be the name of a script"
C! PUTSCRIPT "S\xc3\xbcdwind \\\\ \xf0\x9f\x98\x80 {5+}" "keep;"\r\n
S: OK "Script stored"
C! PUTSCRIPT "tmp" "keep;"\r\nPUTSCRIPT ".." "keep;"\r\nPUTSCRIPT "." "stop;"\r\n
S: OK "Script stored"
S: OK "Script stored"
S: OK "Script stored"
C! SETACTIVE ".."\r\nRENAMESCRIPT ".." ".a"\r\n
S: OK "Script is active"
S: OK "Script renamed"
C: LISTSCRIPTS
S: "."
S: ".a" ACTIVE
S: "Südwind \\ 😀 {5+}"
S: "tmp"
S: OK "LISTSCRIPTS completed"
sh: test -f "$T/home/sieve/Südwind \\ 😀 {5+}.sieve"
--- what is no command
S+ OK .*
C: 
S: NO "A line begins with a command"
C: X "y"
S: NO "No such command"
C: NOOP  "x"
S: OK (TAG "x") "Done"
C! NOOP "x"  \r\n
S: OK (TAG "x") "Done"
C: NOOP"x"
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
C: NOOP "x""y"
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
C: NOOP "x
S: NO "A quoted string has no end"
C: NOOP "x\y"
S: NO "Only quotes and backslashes stand behind a backslash"
C! NOOP "x\x00y"\r\n
S: NO "A quoted string must not contain NUL or CR"
C! NOOP "x\ry"\r\n
S: NO "A quoted string must not contain NUL or CR"
C! NOOP "x\xff"\r\n
S: NO "That is not UTF-8"
C: NOOP "a" "b" "c" "d"
S: NO "Too many arguments"
C! NOOP "a" "b" "c" {6+}\r\nLOGOUT\r\n
S: NO "Too many arguments"
C! NOOP{6+}\r\nLOGOUT\r\n
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
C! {6+}\r\nLOGOUT\r\n
S: NO "A line begins with a command"
C! "x" {6+}\r\nLOGOUT {6+}\r\nLOGOUT\r\n
S: NO "A line begins with a command"
C! NOOP {3+}\r\nabc x\r\n
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
C! NOOP {3+}\r\nabcx\r\n
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
C: NOOP "{3+}
S: NO "A quoted string has no end"
C! NOOP {3}\r\nabc\r\n
S: OK (TAG "abc") "Done"
C: NOOP {+}
S: NO "Arguments are strings in quotes, literals {N+} and numbers, with blanks in between"
C: NOOP
S: OK "NOOP completed"
--- bare LF ends a line, too
S+ OK .*
C! NOOP\nNOOP "x"\n
S: OK "NOOP completed"
S: OK (TAG "x") "Done"
END
EOF
END
EXIT 0
--- usage
run: managesieve more
EOF
EXIT 100
--- without HOME
env: HOME=
EOF
EXIT 100
--- where there is no home
env: HOME=$T/nowhere
EOF
EXIT 111
