/* Forms of values that compiler and machine both look at. */
#ifndef POSTERN_SIEVE_VALUES_H
#define POSTERN_SIEVE_VALUES_H

#include <stddef.h>
#include <stdint.h>

/* A reference to a variable (RFC 5229 3) at s[0..n): "${name}". */
struct reference {
	size_t len;	   /* of all of it */
	char const *name;  /* behind its namespace */
	size_t name_len;
	int match;	   /* of a match variable: its number; else -1 */
	int global;	   /* has the namespace "global" (RFC 6609 3.4) */
	int foreign;	   /* has another namespace */
};
/* 1, or 0: what stands there is text. */
int value_reference(char const *s, size_t n, struct reference *r);
/* 1 if there is a reference in s[0..n). */
int value_varied(char const *s, size_t n);
/* A variable's name: letters, digits, "_", not beginning with a digit; "global." may stand before. */
int value_variable(char const *s, size_t n);
/* A header field's name (RFC 5322 3.6.8). */
int value_header(char const *s, size_t n);
/* Parts of a date (RFC 5260 4.2), by name: the number, or -1. */
enum date_part {
	DATE_YEAR, DATE_MONTH, DATE_DAY, DATE_DATE, DATE_JULIAN, DATE_HOUR, DATE_MINUTE, DATE_SECOND,
	DATE_TIME, DATE_ISO8601, DATE_STD11, DATE_ZONE, DATE_WEEKDAY, DATE_PARTS
};
int value_date_part(char const *s, size_t n);
/* A zone "+hhmm": 0 and minutes, or -1. */
int value_zone(char const *s, size_t n, int *zone);
/* The URI of a notification (RFC 5436 2.1): "mailto:" with addresses. 1 or 0. */
int value_method(char const *s, size_t n);
/* A flag of IMAP (RFC 5232 2): a keyword, or one of the five of RFC 3501 that can be set. */
int value_flag(char const *s, size_t n);
/* A folder's name: UTF-8, some octets, no controls. */
int value_folder(char const *s, size_t n);

#endif
