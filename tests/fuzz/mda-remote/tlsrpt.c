/* A day's file of TLS sessions, shown and as a report's JSON; TLSRPT's records (RFC 8460 3). */
#include "tests/fuzz/session.h"

#include "mda-remote/tlsrpt-report.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct tlsrpt_day d;
	stralloc rua = STRALLOC_ZERO;
	static int fd = -1;
	if (fd < 0) {
		char path[100];
		snprintf(path, sizeof path, "%s/spool", instance());
		fd = open(path, O_RDONLY | O_DIRECTORY);
		stand_in_for_client("", 0);
	}
	instance_file("spool/tlsrpt/2026-01-02", data, size);
	if (tlsrpt_read(&d, fd, "2026-01-02", 0) < 0)
		abort();
	tlsrpt_show(&d);
	for (size_t i = 0; i < d.rows; i++)
		if (!i || strcmp(d.row[i].domain, d.row[i - 1].domain))
			tlsrpt_json(&d, d.row[i].domain);
	free(d.row);
	free(d.text);
	stralloc texts = STRALLOC_ZERO;
	sa_catb(&texts, (char const *)data, size);
	sa_catb(&texts, "\0", 2);
	(void)tlsrpt_rua(texts.s, &rua);
	stralloc_free(&texts);
	stralloc_free(&rua);
	return 0;
}
