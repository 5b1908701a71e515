/* Every limit of remote delivery that is not a setting (settings: settings.h, spool-recv.c). */
#ifndef POSTERN_MDA_REMOTE_LIMITS_H
#define POSTERN_MDA_REMOTE_LIMITS_H

#define SPOOL_ENVELOPE_MAX (64u << 20) /* bytes before the message; more is damage */
#define SPOOL_PIECE 65536	       /* bytes that are read at once to check a file */
#define SPOOL_NAME_MAX 80	       /* of a file in the spool */
#define SPOOL_SAME_NAME 1000	       /* files that may share one id */
#define SPOOL_TMP_SECONDS 86400	       /* after which a file that has no name yet has no writer any more */

#define RECV_IDLE_SECONDS 300 /* for a command (RFC 5321 4.5.3.2.7), default of lmtp-idle-seconds */
#define RECV_DATA_TIMES 2     /* so many times that from DATA or the first BDAT to the last byte */
#define RECV_ERRORS_MAX 20	 /* refused commands of one session */
#define RECV_SIZE_SLACK 65536	 /* octets of a message beyond the setting smtp-size */

#define DNS_PACKET_MAX 100000 /* bytes of one answer of the DNS child */
#define DNS_NAME_MAX 256     /* a name with its NUL */
#define DNS_MX_MAX 20	     /* hosts of one domain that are looked at */
#define DNS_ADDRESSES_MAX 8  /* addresses of one host that are looked at */
#define DNS_TLSA_MAX 16	     /* TLSA records of one host; a larger set is an error, not cut */
#define DNS_TLSA_TEXT 40000  /* bytes of those of all hosts of one domain, written in hex */
#define DNS_WHY_MAX 300	     /* bytes of the reason of a look-up that failed */
#define DNS_HOSTS_MAX (DNS_MX_MAX * DNS_ADDRESSES_MAX)
#define DNS_SECONDS 60	      /* one question, from asked to answered */
#define DNS_CHECK_SECONDS 5   /* of mda-remote-dns -c */
#define DNS_QUESTIONS_MAX 500 /* at the same time; more wait */
#define DNS_PORTS "512"	      /* UDP ports that are asked from at the same time */
#define DNS_CACHE_SECONDS 60  /* a route is kept as long while its destination has mail */

#define SEND_PACKET_MAX 100000 /* bytes between mda-remote and smtp-send, either way */
/* Recipients in one transaction (setting remote-recipients-per-mail). */
#define SEND_RCPT_MAX 1000
#define SEND_ALONG_MAX 65536 /* octets of a message that goes along with its recipients (BDAT) */
#define SEND_BATCH 50	     /* RCPT sent before their replies are read */
#define SEND_CONNECT_SECONDS 30
#define SEND_RACE_MS 250 /* RFC 8305 8: until the next address is tried beside this one */
#define SEND_RACE_MAX 8	 /* connections to one destination being made at the same time */
/* RFC 5321 4.5.3.2; the setting remote-timeout may lower all of them. */
#define SEND_GREETING_SECONDS 300
#define SEND_EHLO_SECONDS 300
#define SEND_STARTTLS_SECONDS 120
#define SEND_AUTH_SECONDS 180 /* all of an exchange */
#define SEND_MAIL_SECONDS 300
#define SEND_RCPT_SECONDS 300
#define SEND_DATA_SECONDS 120
#define SEND_BLOCK_SECONDS 180
#define SEND_DOT_SECONDS 600
#define SEND_JOB_SECONDS 7200 /* one message over one connection, whatever the peer does */
#define SEND_TLS_SECONDS 60
#define SEND_QUIT_SECONDS 5
#define SEND_NAMES_MAX 16 /* names that a certificate may bear */
#define SEND_ADDRESSES_MAX 32 /* addresses tried for one connection */

#define CALLOUT_MS_MAX 28000 /* the most that one recipient may take (setting callout-timeout): smtp-recv waits for 30 s */
#define CALLOUT_ERRORS_MAX 100 /* refused commands of one session */
#define CALLOUT_IDLE_SECONDS 300 /* for the next command */
#define CALLOUT_TEXT_MAX 230 /* bytes of a server's words that are kept and passed on */
#define CALLOUT_SLOTS 16384 /* answers that are remembered, of 256 bytes; the oldest of four goes */
#define CALLOUT_FILE_MAX (256 * CALLOUT_SLOTS + 16) /* bytes of them and their key */
#define CALLOUT_DOWN_SECONDS 60 /* a server that cannot be reached is not tried again for so long */

#define DNS_TXT_MAX 1000   /* bytes of a TXT record; a longer one is passed over */
#define DNS_TXT_COUNT 20   /* TXT records of one name that are looked at */
#define STS_ID_MAX 32	   /* RFC 8461 3.1 */
#define STS_MX_MAX 100	   /* patterns of one policy; more are an error */
#define STS_POLICY_MAX 65536	   /* bytes of a policy as it is fetched (RFC 8461 3.3) */
#define STS_ADDRESSES_MAX 8	   /* addresses of one policy host that are tried */
#define STS_FETCH_SECONDS 60	   /* one fetch, from asked to answered (RFC 8461 3.3) */
#define STS_QUESTIONS_MAX 100	   /* for records, at the same time; more wait */
#define STS_FETCHES_MAX 50	   /* policies that are being fetched; more wait */
#define STS_FETCHES_EACH 5	   /* of them for domains with the same last two labels */
#define STS_LOOKS_MAX 10	   /* domains that are asked without mail, to keep their policies */
#define STS_LOOK_STEP 50	   /* policies looked at for that between two rounds of events */
#define STS_RETRY_SECONDS 300	   /* after a fetch that failed (RFC 8461 3.3) */
#define STS_TRIES 3		   /* of one fetch, when a process of ours dies over it */
#define STS_CHECK_SECONDS 60	   /* a record that was looked at holds as long */
#define STS_REFRESH_SECONDS 86400  /* a policy is fetched again after this, or half of its max_age */
#define STS_UNUSED_SECONDS 5184000 /* a policy that no mail asked for is not kept up to date */
#define STS_LOOK_SECONDS 3600	   /* between two looks at all policies for that */
#define STS_DOMAINS_MAX 10000	   /* domains that are remembered; what they know is on disk */
#define TLSRPT_ROWS_MAX 500	     /* different results not yet on disk */
#define TLSRPT_FLUSH_MS 1000	     /* they are on disk after this */
#define TLSRPT_REASON_MAX 200	     /* bytes of a reason */
#define TLSRPT_DAY_MAX (32u << 20)   /* bytes of one day; what is beyond is not counted */
#define TLSRPT_DAYS 31		     /* days that are kept */
#define TLSRPT_POLICIES_MAX 10000    /* policies that are noted on one day */
#define TLS_SESSION_MAX 16384	   /* bytes of a TLS session, written in hex; a larger one is not kept */
#define TLS_SESSIONS_MAX 500	   /* sessions that are kept */
#define TLS_SESSIONS_EACH 8	   /* of them for one address of a destination */
#define TLS_SESSION_SECONDS 3600   /* after the certificate was last looked at it must be again */
#define TLS_NAMES_MAX 256 /* bytes of the names or digests of a rule of etc/tls-policy */

#define WHY_TEXT_MAX 1000	 /* bytes of a reply that are kept for bounce and mailq */
#define WHY_FILE_MAX (64u << 20) /* bytes that are read of NAME:why */
#define WHY_TRIM (64u << 10)	 /* from here on what is out of date is dropped */

#define WALK_STEP 200		 /* messages, destinations looked at between two rounds of events */
#define WALK_SCAN_STEP 1000	 /* names of the spool between two rounds */
#define WALK_RESCAN_SECONDS 3600 /* the whole spool again */
#define WALK_PEEK_MS 5000 /* directories that have changed again, for wakes that were lost */
#define WALK_PEEK_MESSAGES 5 /* ... a millisecond later for each so many that wait */
#define WALK_YOUNG_SECONDS 2 /* a directory that has just changed is read once more */
#define WALK_UNREAD_MS                                                                             \
	1000 /* ... where a directory could not be read; twice as long each time it fails again */
#define WALK_FLOOD 32768  /* bytes read from the fifo at once: some names may have been lost */
#define WALK_SYNC_MS 1000 /* a state byte is on disk after this */
#define WALK_LENT_MS                                                                               \
	1000 /* a file that an smtp-send of an earlier walker holds is looked at again */
#define WALK_CLOCK_MS 60000  /* a clock set back by more than this makes everything due */
#define WALK_TERM_SECONDS 20 /* deliveries in progress at SIGTERM may take so long */
#define KNOWN_MS 1000	     /* a route is not looked up again for so long, unless etc/ changes */
#define KNOWN_ROUTES 256     /* that are remembered */
#define WALK_CONN_SECONDS (SEND_JOB_SECONDS + 600) /* an smtp-send that says nothing is killed */
#define WALK_SWEEP_MS 5000   /* destinations that nobody needs are forgotten as often */
#define WALK_READ_SCANNING                                                                         \
	20 /* messages read in between two rounds while the spool is looked through */
#define WALK_WINDOW_START 5 /* connections to a destination that is not known yet */
#define WALK_CAUTION                                                                               \
	10 /* messages over each connection before one more is tried where it was too many */
#define WALK_SHARE                                                                                 \
	3 /* messages of a destination that are read in, for each connection it may have */
#define WALK_YIELD_MESSAGES                                                                        \
	10 /* after so many a connection ends if another destination waits for one */
#define WALK_PUT_OFF_ROW 50   /* messages put off in a row let their destination rest */
#define WALK_TROUBLE_WEIGHT 5 /* one that ended with the connection counts as many of them */

#define BOUNCE_FULL_MAX (1u << 20) /* larger messages come back as their header only */

#define DIGEST_ADDRESSES_MAX                                                                       \
	10000 /* whose notifications are counted at once; others have no limit */
#define DIGEST_TEXT_MAX (64u << 10) /* bytes that a digest lists; what is beyond is only counted   \
				     */

#endif
