/* cli/file: files that may be secret, whole: read into memory that is wiped, written for their owner alone.
 */
#pragma once

#include "base/err.h"
#include "base/secret.h"

/* Reads the file, or standard input for "-", of at most `most` bytes. ERR_INPUT_UNREADABLE names the file and
   why; ERR_NO_MEMORY. *content is empty then. */
bool file_read(const char *path, size_t most, struct secret *content, struct err *err);
/* Writes the file, readable and writable by its owner alone (mode 0600), in one piece: a file that stood
   there is replaced at the end. "-" is standard output. ERR_INPUT_UNREADABLE names the file and why;
   ERR_NO_MEMORY. */
bool file_write(const char *path, struct span content, struct err *err);
