#!tests/transcript
# imap-login: clear-text passwords need TLS, loopback, or a network that a setting names (RFC 3501
# 11.2, RFC 5530 PRIVACYREQUIRED).
run: imap-login $ROOT/tests/login/checkpassword plain $ROOT/tests/login/session
env: TCPREMOTEIP=192.0.2.7
env: UID=12345
env: GID=12345
setup: echo 0 >etc/login-delay
--- from elsewhere, in clear
S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID LOGINDISABLED] postern ready
C: a1 LOGIN alice secret
S: a1 NO [PRIVACYREQUIRED] Passwords in clear need TLS first
C: a2 AUTHENTICATE PLAIN
S: a2 NO [PRIVACYREQUIRED] Passwords in clear need TLS first
C: a3 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==
S: a3 NO [PRIVACYREQUIRED] Passwords in clear need TLS first
C: a4 CAPABILITY
S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID LOGINDISABLED
S: a4 OK CAPABILITY completed
--- a synchronizing literal is refused before anything is in it
S+ .*ready
C: a1 LOGIN {5}
S: a1 NO [PRIVACYREQUIRED] Passwords in clear need TLS first
C! a2 LOGIN {5+}\r\nalice {6}\r\n
S: a2 NO [PRIVACYREQUIRED] Passwords in clear need TLS first
C! a3 LOGIN {9+}\r\na9 LOGOUT {6+}\r\nsecret\r\n
S: a3 NO [PRIVACYREQUIRED] Passwords in clear need TLS first
C: a4 NOOP
S: a4 OK NOOP completed
--- from elsewhere, under TLS
env: SSL_PROTOCOL=TLSv1.3
S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID AUTH=PLAIN AUTH=LOGIN] postern ready
C: a1 LOGIN alice secret
S~ a1 OK LOGIN USER=alice POSTERN_MECHANISM=LOGIN SSL_PROTOCOL=TLSv1.3 .*
--- from a network that the setting names
setup: printf '# office\n198.51.100.1\n192.0.2.0/28\n' >etc/cleartext-networks
S~ \* OK \[CAPABILITY .* AUTH=PLAIN AUTH=LOGIN\] postern ready
C: a1 LOGIN alice secret
S~ a1 OK LOGIN .*
--- from beside that network
setup: echo 192.0.2.8/29 >etc/cleartext-networks
S~ \* OK \[CAPABILITY .* LOGINDISABLED\] postern ready
--- IPv6 loopback
env: TCPREMOTEIP=::1
S~ \* OK \[CAPABILITY .* AUTH=PLAIN AUTH=LOGIN\] postern ready
