/* A file that is read again when it has changed. */
#ifndef POSTERN_TLS_FILE_H
#define POSTERN_TLS_FILE_H

#include <sys/stat.h>

struct tls_file {
	char *path;	  /* null: none */
	struct stat seen; /* when it was last looked at; all zero: it was not there */
	int looked;
};

/* 1 if the file is not what it was at the last call (the first call: 1), 0 if it is. */
int tls_file_changed(struct tls_file *f);
/* It was there at the last call of tls_file_changed. */
int tls_file_exists(struct tls_file const *f);

#endif
