/* The process that parses LMTP, and nothing else. */
#ifndef POSTERN_MDA_LOCAL_PARSER_H
#define POSTERN_MDA_LOCAL_PARSER_H

/* In a fork: serves the connection on descriptors 0 and 1 without any right. fd_parent: its
 * channel. Settings are read first. */
void parser_run(int fd_parent) __attribute__((noreturn));

/* The same in two parts, for a zygote (lib/zygote.h): what does not depend on a connection,
 * settings and sandbox, and then in its copies the connection. id: the connection's. */
void parser_prepare(void);
void parser_serve(int fd_parent, char const *id) __attribute__((noreturn));

#endif
