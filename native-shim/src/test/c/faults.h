/* Makes chosen kernel calls of the code under test fail. The calls are replaced at link time (see WRAPPED in the Makefile). */
#ifndef FAULTS_H
#define FAULTS_H

/* From now on the nth call fails with `error` (n from 1; 0 only counts). */
void fault_arm(int nth, int error);

/* From now on the first call of this name fails; for setsockopt and getsockopt only with this option (-1: any). */
void fault_arm_call(const char *name, int option, int error);

/* Calls go through again; how many were seen since arming. */
int fault_disarm(void);

/* The call that failed since arming, or "", and its option. */
const char *fault_fired(void);
int fault_fired_option(void);

#endif
