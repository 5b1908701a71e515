/* Which SASL mechanisms a login pair has: read before the fork, by lib/login.c. */
#ifndef POSTERN_LOGIN_OFFER_H
#define POSTERN_LOGIN_OFFER_H

#define LOGIN_CHECKER_WORDS 16 /* of etc/sasl-oauth-checker */

struct login_offer {
	unsigned int mechanisms;		/* bits 1 << enum sasl_mech */
	char *checker[LOGIN_CHECKER_WORDS + 1]; /* the program that judges tokens; [0] null: none */
	char const *oauth_error;		/* lib/sasl.h */
	unsigned int iterations;		/* that an account has which does not exist */
};

/* checkpassword: the program's name; null: there is none. Exits 100 on a bad setting. */
void login_offer_read(struct login_offer *o, char const *checkpassword);

#endif
