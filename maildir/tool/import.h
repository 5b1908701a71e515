/* One run of "maildir import", and the kinds of source. */
#ifndef POSTERN_MAILDIR_TOOL_IMPORT_H
#define POSTERN_MAILDIR_TOOL_IMPORT_H

#include "maildir/tool/mbox.h"
#include "maildir/tool/source.h"
#include "maildir/tool/target.h"
#include "maildir/tool/tool.h"

struct import {
	struct tool *t;
	char const *source; /* its path, as given */
	char const *folder; /* where it goes; null: folders keep their names */
	int link;	    /* messages by hard link where that is possible */
	int verdict;
};

/* What became of one folder. */
struct import_count {
	uint64_t there;	 /* were there before */
	uint64_t gone;	 /* went from the source meanwhile */
	uint64_t failed; /* could not be read */
	uint64_t odd;	 /* keywords that are none */
};

/* A Maildir with all its folders. */
void import_maildir(struct import *im, enum source_kind kind);
/* An mbox into one folder; fd is its file. */
void import_mbox(struct import *im, int fd, char const *folder, enum mbox_format format);
/* A directory of mboxes: each file is a folder, each directory leads to more. */
void import_mboxes(struct import *im, enum mbox_format format);

/* ---- cmd-import.c ---- */
/* The name here of the source's folder, malloced. */
char *import_name(struct import const *im, char const *name);
/* Says what became of a folder. */
void import_report(
    struct import *im, char const *name, struct target const *x, struct import_count const *n);
/* Cannot go on: what is on disk stays, the same command goes on there. */
void import_die(char const *what, char const *name) __attribute__((noreturn));
/* 1 if a signal asked to end; verdict says so. */
int import_stopped(struct import *im);

#endif
