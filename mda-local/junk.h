/* Which messages go to the folder for junk: those whose header has one of the fields that a filter
 * adds, as etc/junk-fields names them ("X-Spam: Yes"). */
#ifndef POSTERN_MDA_LOCAL_JUNK_H
#define POSTERN_MDA_LOCAL_JUNK_H

/* Reads the setting; exit 100 where a line is no field. */
void junk_init(void);
/* Whether the message's header (its first MDA_HEADER_MAX octets) has such a field. */
int junk_marked(int fd);

#endif
