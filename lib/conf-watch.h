/* Hearing of changes in etc/, for programs that keep settings from one connection to the next. The
 * kernel does not tell of files that links in etc/ lead to, nor of what other hosts do on a network
 * filesystem: what is kept should be read anew after CONF_FRESH_MS whether or not there was a word.
 */
#ifndef POSTERN_CONF_WATCH_H
#define POSTERN_CONF_WATCH_H

#define CONF_FRESH_MS 1000

/* A descriptor, close-on-exec, for conf_changed; before anything is read. -1: nobody will tell. */
int conf_watch(void);
/* Whether something may have changed in etc/ since the last call; always where fd is -1. */
int conf_changed(int fd);

#endif
