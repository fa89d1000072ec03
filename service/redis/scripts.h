/* redis/scripts: the Lua that makes a record's staging, and a command's lookup, one atomic step each. */
#pragma once

#include "redis/connection.h"

/* The script's source, for the life of the process. */
const char *redis_script_text(enum redis_script script);
