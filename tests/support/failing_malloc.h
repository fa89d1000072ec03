/* Makes one allocation fail. A test that links failing_malloc.c with the options in failing_malloc.cmake
   calls its code again and again, with the first, the second, the third allocation failing, until none was
   left to fail: for (long nth = 1; ; nth++) { fail_allocation(nth); …; if (!fail_allocation_end()) break; }
 */
#pragma once

#include <stdbool.h>

/* The nth allocation from now, counted from 1, returns NULL. */
void fail_allocation(long nth);
/* Ends it; whether an allocation did fail. */
bool fail_allocation_end(void);
