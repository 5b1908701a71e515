/* The process that parses LMTP, and nothing else. */
#ifndef POSTERN_MDA_LOCAL_PARSER_H
#define POSTERN_MDA_LOCAL_PARSER_H

/* In a fork: serves the connection on descriptors 0 and 1 without any right. fd_parent: its channel;
 * fd_memory: the message's place until the parent sends another. Settings are read first. */
void parser_run(int fd_parent, int fd_memory) __attribute__((noreturn));

#endif
