/* What an administrator has set for the rules of kind `sieve`; read by the parent, known to its
 * workers. */
#ifndef POSTERN_MDA_LOCAL_SIEVE_SETTINGS_H
#define POSTERN_MDA_LOCAL_SIEVE_SETTINGS_H

#include <stdint.h>

#include "mda-local/sieve-spam.h"
#include "sieve/sieve.h"

struct sieve_settings {
	struct sieve_limits limits;
	int autocreate;			     /* folders that are not there are made */
	uint64_t vacation_min, vacation_max; /* seconds between two answers */
	char const *separators;		     /* of subaddresses */
	char const *host;
	/* How clients name folders (imap(1)): scripts do as well. */
	char separator;
	char const *prefix;
	char const *etc; /* the administrator's scripts: etc/sieve of the instance */
	struct spam_test spam, virus;
};

/* Reads the settings. A digest of them, and of the directories of the administrator's scripts:
 * where it is another one, workers are to be replaced. */
uint64_t sieve_settings_init(void);
struct sieve_settings const *sieve_settings(void);

#endif
