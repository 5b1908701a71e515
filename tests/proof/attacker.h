/* The attacker: what stands in the place of a program's parser, and tries everything. Linked into
 * copies of the programs by the Makefile (build/proof/NAME), never into the programs. PROOF_PLAN in
 * the environment names the plan (tests/proof/rig.py writes it), which is read before main. */
#ifndef POSTERN_PROOF_ATTACKER_H
#define POSTERN_PROOF_ATTACKER_H

/* 1 if the plan says that this function is where it happens. */
int proof_here(char const *function);
/* Tries everything, says on descriptor 2 how each attempt ended, and waits to be looked at and
 * killed. */
void proof_attack(void) __attribute__((noreturn));

/* In tests/proof/entry/PROGRAM.c: a function whose caller meets the attacker in its place, when the
 * plan names it. It has at most six arguments, all of them integers or pointers. */
#define ENTRY(f)                                                                                   \
	long __real_##f(long, long, long, long, long, long);                                       \
	long __wrap_##f(long, long, long, long, long, long);                                       \
	long __wrap_##f(long a, long b, long c, long d, long e, long g)                            \
	{                                                                                          \
		if (proof_here(#f))                                                                \
			proof_attack();                                                            \
		return __real_##f(a, b, c, d, e, g);                                               \
	}

#endif
