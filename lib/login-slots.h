/* How many connections a login has, counted without a count: each holds a lock on one byte of
 * run/auth/sessions-NN, and the kernel lets go of it however the process ends. */
#ifndef POSTERN_LOGIN_SLOTS_H
#define POSTERN_LOGIN_SLOTS_H

#define LOGIN_SLOTS_MAX 65535
/* Files, so that few locks are in one: the kernel walks them all. */
#define LOGIN_SLOT_FILES 64

/* Takes one of max places of this login (any case) with this service, for as long as the process
 * lives: 1; 0 all are taken. 1 also where nothing can be counted. A process takes only one. */
int login_slot_take(char const *service, char const *login, unsigned int max);
/* The place is kept through the next exec, too. */
void login_slot_keep(void);

#endif
