/* gateway/waiting: the commands that were sent, what they were answered, and who waits for it. A command is
   remembered for a while after its last request, so that a caller who got no answer can ask again by its id:
   it is answered from here, or the very same bytes are sent again, to which the service gives the same
   result. Any thread. */
#pragma once

#include "base/auto.h"
#include "gateway/answer.h"

enum { WAITING_DIGEST_LEN = 32 };

struct waiting;

struct waiting_limits {
    size_t most_waiters;  /* requests that wait at one time */
    size_t most_commands; /* remembered, those waited for not counted */
    size_t most_bytes;    /* of commands and answers remembered */
    int64_t remember_ms;
};

/* A request that waits: the caller's, unmoved until it is woken or waiting_leave() was called. */
struct waiter {
    int64_t deadline_ms;  /* monotonic */
    struct answer answer; /* filled before it is woken */
    /* Called with the table's lock held, from any thread: must not block or call into the table. */
    void (*wake)(struct waiter *waiter);
    struct waiter *next; /* the table's */
};

enum waiting_join {
    WAITING_NEW,      /* nobody has sent this id from here: waiting_add() comes next */
    WAITING_JOINED,   /* the waiter waits: its command is under way */
    WAITING_AGAIN,    /* so it does, but the command is to be sent again: *message is its value */
    WAITING_ANSWERED, /* waiter->answer is filled; nobody wakes it */
    WAITING_CONFLICT, /* the id was used with another digest */
    WAITING_FULL,     /* too many wait */
    WAITING_CLOSED,   /* after waiting_close() */
};

struct waiting *waiting_new(const struct waiting_limits *limits);
/* Nobody may wait any more. */
void waiting_free(struct waiting *waiting);
AUTO_DEFINE(waiting, struct waiting, waiting_free);

/* Puts the waiter to the command of that id, if it is remembered. `digest` tells requests apart. A
   WAITING_AGAIN's value is appended to *message; out of memory is WAITING_FULL. */
enum waiting_join waiting_join(struct waiting *waiting, const struct uuid *command_id,
                               const uint8_t digest[WAITING_DIGEST_LEN], int64_t now_ms,
                               struct waiter *waiter, struct buf *message);
/* A new command, which the waiter waits for. Takes the message's bytes (the buffer is empty then), whose
   SHA-256 is message_sha256. False when out of memory or closed: nothing has changed. */
bool waiting_add(struct waiting *waiting, const struct uuid *command_id,
                 const uint8_t digest[WAITING_DIGEST_LEN], const uint8_t message_sha256[32], int64_t now_ms,
                 struct waiter *waiter, struct buf *message);

/* Whether a result of that command is of interest. */
bool waiting_expects(struct waiting *waiting, const struct uuid *command_id);
/* The result of a command: wakes who waits for it, and remembers the answer. Passed over where it is not the
   result of what was sent from here, but a conflict's with another's command of the same id. True where it
   counted. */
bool waiting_result(struct waiting *waiting, const struct replace_result *result);
/* The command was not stored: answers who waits for it so. A repetition sends it again. */
void waiting_fail(struct waiting *waiting, const struct uuid *command_id, enum gateway_fault fault,
                  const char *message);
/* Answers all that wait with STOPPING; from now on nobody waits. */
void waiting_close(struct waiting *waiting, const char *message);
/* Answers those whose deadline has come with NO_RESULT, and forgets what is too old or too much. */
void waiting_sweep(struct waiting *waiting, int64_t now_ms);
/* Requests that wait now. */
size_t waiting_count(struct waiting *waiting);
