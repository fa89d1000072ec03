/* cli/file: input files, whole, into memory that is wiped. */
#pragma once

#include "base/err.h"
#include "base/secret.h"

/* Reads the file, or standard input for "-", of at most `most` bytes. ERR_INPUT_UNREADABLE names the file and
   why; ERR_NO_MEMORY. *content is empty then. */
bool file_read(const char *path, size_t most, struct secret *content, struct err *err);
