/* pipeline/runner_private: one runner in four files: its life (runner.c), its pace (runner_pace.c), what it
   takes in (runner_intake.c), how it commits (runner_commit.c). */
#pragma once

#include "pipeline/runner.h"

#include <pthread.h>

enum {
    RUNNER_POLL_MS = 100,
    RUNNER_SLICE_MS = 1000, /* of one transactional call; between two the heart beats */
    RUNNER_BACKOFF_LEAST_MS = 100,
    RUNNER_BACKOFF_MOST_MS = 5000,
    RUNNER_TOPICS_MAX = 4,
};

/* A record that must wait, and with it its partition. */
struct parked {
    rd_kafka_message_t *message;
    int64_t due_us; /* monotonic */
};

struct runner {
    struct pipeline_context *context;
    struct runner_options options;
    pthread_t thread;
    struct health_part *health;
    struct consumer *consumer;
    struct transaction *transaction;
    struct batch batch;
    struct parked *parked;
    size_t parked_count;
    size_t parked_cap;
    struct outbox outbox;
    struct offset_table *offsets; /* of the records being committed or rewound */
    struct err given_up;          /* why the latest batch was, until one is committed */
    struct err rebuilt_for;       /* why the pipeline is built anew, until its producer works */
    size_t sent;                  /* records of the outbox that are queued */
    int backoff_ms;               /* after an abort, or a dependency that is down; doubled up to the most */
    int transaction_timeout_ms;   /* once a transaction has taken longer; 0: the setting holds */
    int transaction_timeout_most_ms; /* what the brokers allow, as far as is known */
    size_t batch_bytes;              /* of the producer's batches at most; 0: its own setting holds */
    size_t refused_bytes; /* the least record that a topic refused; 0: none. Counts until the process ends */
    bool refused;         /* a topic refused what the last producer wrote, and why is not known yet */
    bool one_by_one;      /* each record in a batch of its own, so that a refusal tells which was too large */
    int64_t stop_seen_us; /* 0: not yet */
    int64_t lag_asked_us;
    int64_t lag[RUNNER_TOPICS_MAX]; /* this runner's share of the gauge, by input topic */
};

/* Whether the process stops; and whether the time for what is begun is over too. */
bool runner_is_stopping(struct runner *runner);
bool runner_is_out_of_time(struct runner *runner);
/* Until when (monotonic us) it waits before it tries again: between half of the backoff and all of it, by
   chance, so that those who got into each other's way part. Then doubles the backoff. */
int64_t runner_back_off(struct runner *runner);

/* Polls for a while; takes what is there, up to the batch's limit. */
void runner_collect(struct runner *runner);
/* Waits for the backoff while the group sees this member alive; what comes joins the batch. */
void runner_wait_polling(struct runner *runner);
/* Forgets what is in hand; nothing of it is committed. */
void runner_drop_batch(struct runner *runner);
/* Forgets the parked records too; with `resume` their partitions go on. */
void runner_drop_parked(struct runner *runner, bool resume);
/* What the consumer calls around a rebalance. */
struct consumer_hooks runner_hooks(struct runner *runner);

typedef bool runner_step_fn(struct runner *runner, struct err *err);
/* The step again and again while it answers RETRIABLE: only the same call can tell how a commit went. False:
   it failed, or there is no time left. */
bool runner_persist(struct runner *runner, runner_step_fn *step, struct err *err);

enum commit_end {
    COMMIT_DONE,
    COMMIT_REWOUND, /* nothing became visible; the batch was dropped and will be read again */
    COMMIT_REBUILD, /* only a new producer can tell or go on */
};
/* Makes the outbox and the offsets of [first, next) visible together. */
enum commit_end runner_commit(struct runner *runner, size_t first, size_t next);
/* Takes up again, from `first` on, what is not committed. */
enum commit_end runner_abort_and_rewind(struct runner *runner, size_t first, const struct err *why);
