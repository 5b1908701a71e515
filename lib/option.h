/* Arguments of options. */
#ifndef POSTERN_OPTION_H
#define POSTERN_OPTION_H

/* The decimal number s if it is one from min to max; else the usage is told and the program exits
 * 100. */
unsigned int option_number(char const *s, unsigned int min, unsigned int max, char const *usage);

#endif
