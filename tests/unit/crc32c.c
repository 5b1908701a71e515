/* CRC-32C: known values, and both ways of computing it agree for every length and alignment. */
#include "lib/crc32c.h"

#include "tests/unit/tap.h"

static unsigned char zeros[32], ones[32], up[32], down[32];

/* RFC 3720 appendix B.4, and the usual check value */
static struct {
	char const *name;
	void const *s;
	size_t n;
	uint32_t want;
} const rows[] = {
    {"nothing", "", 0, 0},
    {"123456789", "123456789", 9, 0xE3069283},
    {"32 octets of zeros", zeros, 32, 0x8A9136AA},
    {"32 octets of ones", ones, 32, 0x62A8AB43},
    {"32 octets, ascending", up, 32, 0x46DD794E},
    {"32 octets, descending", down, 32, 0x113FDB5C},
};

static unsigned int
disagreements(void)
{
	static unsigned char text[1300];
	unsigned int bad = 0;
	for (unsigned int i = 0; i < sizeof text; i++)
		text[i] = (unsigned char)(i * 167 + i / 7);
	for (size_t from = 0; from < 9; from++)
		for (size_t n = 0; from + n <= sizeof text; n += n < 500 ? 1 : 13) {
			uint32_t const whole = crc32c(0, text + from, n);
			bad += whole != crc32c_by_table(0, text + from, n);
			bad += whole != crc32c(crc32c(0, text + from, n / 3), text + from + n / 3,
					    n - n / 3);
		}
	return bad;
}

int
main(void)
{
	memset(ones, 255, sizeof ones);
	for (unsigned char i = 0; i < 32; i++)
		up[i] = down[31 - i] = i;
	for (unsigned int i = 0; i < sizeof rows / sizeof *rows; i++) {
		tap_num(rows[i].name, crc32c(0, rows[i].s, rows[i].n), rows[i].want);
		tap_ok(crc32c_by_table(0, rows[i].s, rows[i].n) == rows[i].want, "%s, by table",
		    rows[i].name);
	}
	tap_num("instruction and table agree, pieces and whole agree", disagreements(), 0);
	return tap_done();
}
