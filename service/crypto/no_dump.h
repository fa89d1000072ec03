/* crypto/no_dump: keys and passwords in memory stay out of core dumps, and of debuggers of the same user. */
#pragma once

/* To be called first thing in main(). Sanitizer builds stay as they are: their leak check reads the process.
 */
void forbid_core_dumps(void);
