/* What is kept for TLS reports (RFC 8460): one file per day, spool/tlsrpt/YYYY-MM-DD (UTC), of
 * lines
 *
 *     COUNT DOMAIN POLICY TYPE HOST IP OURS REASON
 *     policy DOMAIN POLICY TEXT          the policy's lines, joined by '|'
 *
 * that mda-remote appends and postern-tlsrpt reads. TYPE is TLSRPT_OK or a result type of RFC 8460
 * 4.3, POLICY "sts", "tlsa" or "none", OURS the address that we sent from; HOST, IP and OURS "-"
 * where there is none. */
#ifndef POSTERN_MDA_REMOTE_TLSRPT_H
#define POSTERN_MDA_REMOTE_TLSRPT_H

#define TLSRPT_OK "successful"

void tlsrpt_start(void);
/* Counts one session; what is counted is on disk within TLSRPT_FLUSH_MS. */
void tlsrpt_add(char const *domain, char const *policy, char const *type, char const *host,
    char const *ip, char const *ours, char const *reason);
/* Notes the policy that holds for the domain, once a day. text: its lines. */
void tlsrpt_policy(char const *domain, char const *policy, char const *text);
/* Notes the TLSA records of the domain's hosts a->host[0..n), if there are any. */
struct mx_answer;
void tlsrpt_tlsa(char const *domain, unsigned int port, struct mx_answer const *a, unsigned int n);
/* Writes down what is to be by now, or everything, and drops days that are too old. */
void tlsrpt_flush(int all);

#endif
