/* Every limit of smtp-recv: the defaults of its settings and what no setting changes. */
#ifndef SMTP_RECV_LIMITS_H
#define SMTP_RECV_LIMITS_H

/* Defaults of settings (settings.c has the file names and the bounds). */
#define MESSAGE_BYTES (64 << 20) /* of a message on the wire: 552 */
#define RECIPIENTS 1000		 /* of one message: 452; RFC 5321 4.5.3.1.8 asks for 100 */
#define HOPS 50			 /* Received fields: 554, RFC 5321 6.3 asks for 100 hops of slack */
#define TEXT_LINE_OCTETS 65536	 /* of a text line without its end; RFC 5321 4.5.3.1.6 says 998 */
#define REPLY_SECONDS 60	 /* from the final dot to the reply */
#define IDLE_SECONDS 300	 /* for a command line or some data, RFC 5321 4.5.3.2.7 */
#define SLOWEST_RATE 512	 /* octets a second, beyond IDLE_SECONDS, in which all of a message must come: 421 */
#define SESSION_SECONDS 10800	 /* for all of a connection */
#define ERRORS 20		 /* 5xx replies in one connection: 421 */
#define MESSAGES 1000		 /* transactions in one connection: 421 */

#define DNS_SECONDS 5		 /* for the answers to the questions of one step */
#define GREYLIST_WINDOW_HOURS 48 /* from the first try, in which a sender has to come again */
#define GREYLIST_DAYS 35	 /* that a sender stays known without coming */
#define TARPIT_ERRORS 2		 /* 5xx replies that still come at once */
#define TARPIT_TOTAL_SECONDS 120 /* that 5xx replies are held back in one connection */

/* Fixed. */
#define PREGREET_MS_MAX 60000	 /* the most that smtp-pregreet may be */
#define PREGREET_LOGGED 100	 /* octets of what came before the greeting that are logged */
#define REFUSED_SECONDS 10	 /* for a client that was refused instead of greeted to take leave */
#define REFUSED_COMMANDS_MAX 20	 /* that such a client may send */
#define REVERSE_NAMES_MAX 5	 /* names of a client's address that are looked up */
#define DNSBL_ZONES_MAX 32	 /* lines of etc/dnsbl: exit 100 */
#define DNSBL_WEIGHT_MAX 1000	 /* of a line, either way, and of the threshold */
#define DOOR_WHY_MAX 400	 /* octets of a check's finding, in reply and log */
#define GREYLIST_ENTRIES (1 << 20) /* senders that are remembered, 8 octets each: the least useful is forgotten */
#define GREYLIST_RENEW_SECONDS 3600 /* within which a sender that comes again is not noted again */
#define RATES_MAX 32		 /* lines of etc/smtp-rates: exit 100 */
#define RATE_COUNT_MAX 1000000	 /* that a line may allow: exit 100 */
#define RATE_SECONDS_MAX 2592000 /* in which: exit 100 */
#define RATE_PER_SECOND_MAX 1000 /* what is counted is counted in milliseconds: exit 100 */
#define RATE_ENTRIES (1 << 17)	 /* addresses, networks and users that are counted, 8 octets each: whoever has done least is forgotten */
#define USER_CONNECTIONS 50	 /* authenticated ones of one login at a time: 454 */
#define COMMAND_LINE_MAX 12352	 /* AUTH, a mechanism, 12288 octets of initial response (RFC 4954 4), CR LF */
#define JUNK_MAX 100		 /* commands in a row that bring no message nearer: 421 */
#define OUTLETS_MAX 8		 /* LMTP servers that one message may go to: 452 */
#define ALIAS_DOMAIN_HOPS 8	 /* alias: entries of etc/domains that follow each other: 451 */
#define MEMORY_HELD                                                                                \
	(64 << 10) /* of a message in the process's own memory; what is longer goes to a memory    \
		      file */
#define MEMORY_BYTES                                                                               \
	(1 << 20) /* of a message in memory at all; what is longer goes to a file without a name   \
		   */
#define NOTICE_BYTES (128 << 10) /* of a message that its sender gets back whole (RET=FULL); of a longer one the header */
#define SPOOL_RESERVE_SECONDS 10 /* of REPLY_SECONDS, kept for the spool */
#define LMTP_SECONDS 30		 /* for the check of one recipient */
#define OUTLET_IDLE_SECONDS 5	 /* after which an idle client's LMTP connections are closed */
#define MILTERS_MAX 8		 /* lines of etc/milters: exit 100 */
#define MILTER_CONNECT_SECONDS 5 /* to connect to a filter and agree with it; etc/milters: connect= */
#define MILTER_COMMAND_SECONDS 30 /* for its answer to a command; etc/milters: command= */
#define MILTER_MESSAGE_SECONDS 60 /* for its answer to a message, from the first octet on; etc/milters: message= */
#define MILTER_SECONDS_MAX 300	 /* the most that etc/milters may give it */
#define MILTERS_SECONDS 300	 /* for all filters of a message together, whatever each may take */
#define MILTER_DATA_MAX 65535	 /* octets of one packet to a filter: a longer field is 552, a body comes in pieces */
#define MILTER_PACKET_MAX (128 << 10)  /* of one packet of a filter: it has failed */
#define MILTER_HEADER_MAX (256 << 10)  /* octets of a header where there are filters: 552 */
#define MILTER_FIELDS_MAX 4096	 /* fields of a header where there are filters: 552 */
#define MILTER_CHANGES_MAX (128 << 10) /* octets of all changes of one filter but its body: it has failed */
#define HOLD_REASON_MAX 255	 /* octets of a filter's name and its reason for a quarantine, as much as the spool keeps: cut */
#define BINARY_FIELD_MAX 16384	 /* octets of Content-Type or Content-Transfer-Encoding in a binary message: 554 5.6.3 */
#define LISTEN_MAX 10000	 /* the most that -l may be told */
#define LISTEN_PER_ADDRESS 40	 /* connections of one address at a time with -l: TCP_REFUSE is said */
#define LISTEN_BATCH 64		 /* connections taken between two looks at the signals */
#define LISTEN_UNWATCHED_MS 20	 /* after which etc/ is read anew where the kernel does not tell of changes */
#define LISTEN_PAUSE_MS 100	 /* without descriptors or memory to accept */
#define FINISH_SECONDS 3	 /* to wait for the peer's close */
#define ADDRESS_SPACE (64 << 20) /* RLIMIT_AS */
#define FILES_MAX 64		 /* RLIMIT_NOFILE */

#endif
