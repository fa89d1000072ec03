/* redis/reply: what an answer holds. The server may be another than Redis: nothing is taken on trust. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct redisReply;
struct redisReader;

enum { REPLY_ELEMENTS_MAX = 256 * 1024 }; /* the watermarks have two for each partition */

/* Has the reader refuse longer arrays as if memory had run out: hiredis allocates them on the server's word.
 */
void reply_bound(struct redisReader *reader);
/* Whether it is a text, of any bytes. */
bool reply_is_text(const struct redisReply *reply);
/* Reads a text of decimal digits alone, at most `most`. */
bool reply_number(const struct redisReply *reply, int64_t most, int64_t *number);
