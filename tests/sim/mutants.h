/*
 * Is each condition of a row and each clause of the guard worth something?  One is taken out at a time: a row's
 * condition with the guard off, a clause with the waits off; and a row's condition with all the rest in place, which
 * must do no harm.
 */
#ifndef MUS_TESTS_SIM_MUTANTS_H
#define MUS_TESTS_SIM_MUTANTS_H

#include <stdio.h>

#include "history.h"

/* Prints the table; 0: all as expected. */
int mutants_run(unsigned workers);
/* Tells the story of one of its worlds, by the number that the table gives, with what is cut now. */
enum history_end mutants_story(unsigned world, FILE *to);

#endif
