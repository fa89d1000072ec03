/* daemon/confine: what the process may ask of the kernel, less what a service never needs. It stays able to
   use its files, its connections and its threads; whoever takes it over from inside can start no program,
   read no other process, and get no rights or kernel interface that it did not have. */
#pragma once

#include "base/err.h"

/* No program that it starts could have more rights than it has itself. */
void forbid_new_privileges(void);
/* Has the kernel answer EPERM to the system calls in confine.c, for this thread and those that it makes: call
   it before any other is made. In sanitizer builds, whose leak check traces the process, it does nothing.
   False where the kernel does not take the filter: ERR_INTERNAL, which says why. */
bool confine_process(struct err *err);
