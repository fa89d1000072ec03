/* A model of ledger, transaction, retry topic and consumer group, for spin: the promises "exactly once" and
   "idempotent commands". Which certificate is staged is not in it: an owner's decision is a free choice between a
   result and the retry topic, so that every behaviour of the staging side is covered.

   Two command records with one command id: record 0 on partition 0, record 1 on partition 1. Partition 2 is the retry
   topic. Each partition has two workers: one has it, the other waits to take it over, and what was taken from stays
   a zombie until it notices. A transaction holds one record. Each DEFECT_ macro builds one mistake in; check.py says
   which there are and within which bounds all is checked. */

#ifndef EVICTIONS
#define EVICTIONS 2 /* partitions taken from a worker that does not know it (stalled, cut off) */
#endif
#ifndef CRASHES
#define CRASHES 1 /* processes that die at any point */
#endif
#ifndef ABORTS
#define ABORTS 1 /* transactions that fail, whatever the worker did */
#endif
#ifndef RETRIES
#define RETRIES 3 /* records that fit in the retry topic */
#endif

#define RECORDS 2
#define PARTITIONS 3
#define WORKERS 6
#define RETRY 2
#define NONE 255
#define PLACE(p, o) ((p) * 8 + (o))

/* Kafka: what brokers and group coordinator know. */
byte length[PARTITIONS];    /* records that a read_committed reader sees */
byte committed[PARTITIONS]; /* the group's next offset */
byte owner[PARTITIONS];     /* the worker that has the partition */
bool pending[WORKERS];      /* its open transaction holds offsets */
byte generation;            /* of the group */
byte retried[RETRIES];      /* which record lies at each offset of the retry topic */

/* Redis: certswap:command:<id>. Of the payload's hash there is only whether it is the owner's. */
byte key_owner = NONE; /* origin, as the record's number */
byte key_attempt;
byte key_generation;
byte key_result = NONE; /* as the number of the decision that made it */
byte key_decider;

/* What a read_committed reader has seen. */
byte results[RECORDS];
byte decided = NONE; /* the decision whose jobs are visible */

/* Faults still to come, and decisions made so far: no two are alike, each has its own time. */
byte evictions = EVICTIONS, crashes = CRASHES, aborts = ABORTS, decisions;

#define ORIGIN_OF(p, o) ((p) == RETRY -> retried[o] : (p))
#define IS_PENDING(p) (pending[2 * (p)] || pending[2 * (p) + 1])
#define IS_COMMITTED(place) (committed[(place) / 8] > (place) % 8 && !IS_PENDING((place) / 8))
/* The real topic has no end. Here the owner leaves room for one more, so that a duplicate that lies before it in the
   topic can go behind it: else a full topic would be a standstill that only the model has. */
#define HAS_ROOM(r) (length[RETRY] + (key_owner == (r) -> 2 : 1) <= RETRIES)

#ifdef DIFFERENT_PAYLOADS
#define SAME_PAYLOAD(r) (key_owner == (r))
#else
#define SAME_PAYLOAD(r) true
#endif
#ifdef DEFECT_RETRY_LOSES_ORIGIN
#define IS_OWNER(r, p) (key_owner == (r) && (p) != RETRY)
#else
#define IS_OWNER(r, p) (key_owner == (r))
#endif
#ifdef DEFECT_CHECK_ORIGIN
#define DECIDER PLACE(key_owner, 0)
#else
#define DECIDER key_decider
#endif
#ifdef DEFECT_UNSTABLE_FETCH
#define CAN_TAKE(p) (owner[p] == NONE)
#else
#define CAN_TAKE(p) (owner[p] == NONE && !IS_PENDING(p))
#endif
#ifdef DEFECT_NO_GENERATION_IN_COMMIT
#define MAY_COMMIT(w, p) true
#else
#define MAY_COMMIT(w, p) (owner[p] == (w))
#endif
#ifdef DEFECT_NO_GENERATION_IN_CLAIM
#define IS_OUTDATED(mine) false
#else
#define IS_OUTDATED(mine) (key_owner != NONE && key_generation > (mine))
#endif

/* A record that would have to wait, with the retry topic full, is looked at again only when that can have changed;
   looking earlier would only put it back. So a command that is lost is a state without a next step. */
#define WORTH_A_LOOK(r, p) \
    (HAS_ROOM(r) || key_owner == NONE || IS_OWNER(r, p) || !SAME_PAYLOAD(r) || \
     (key_result != NONE && IS_COMMITTED(DECIDER)))

mtype = {DECIDE, REPEAT, REFUSE, WAIT, GIVE_UP};

inline claim() {
    if
    :: IS_OUTDATED(my_generation) -> action = GIVE_UP
#ifdef DEFECT_NO_LEDGER
    :: else -> action = DECIDE; key_owner = record
#else
    :: else ->
        if
        :: key_owner == NONE || IS_OWNER(record, p) ->
            key_owner = record;
            key_generation = my_generation;
            key_attempt++;
            attempt = key_attempt;
#ifndef DEFECT_CLAIM_KEEPS_RESULT
            key_result = NONE;
#endif
            action = DECIDE
        :: else ->
            if
            :: !SAME_PAYLOAD(record) -> action = REFUSE
            :: SAME_PAYLOAD(record) && key_result != NONE ->
                action = REPEAT;
                result = key_result;
                decider = DECIDER;
                attempt = key_attempt
            :: SAME_PAYLOAD(record) && key_result == NONE -> action = WAIT
            fi
        fi
#endif
    fi
}

inline keep() {
    if
#ifndef DEFECT_KEEP_WITHOUT_ATTEMPT
    :: key_attempt != attempt -> action = GIVE_UP
    :: key_attempt == attempt ->
#else
    :: true ->
#endif
        key_result = result;
        key_decider = PLACE(p, offset)
    fi
}

inline append_retry() {
    retried[length[RETRY]] = record;
    length[RETRY]++
}

inline publish() {
    results[record]++;
    assert(results[record] == 1) /* one result a command record */
}

/* The transaction commits: its records and offsets become visible in one step. */
inline make_visible() {
#if !defined(DEFECT_OFFSETS_BEFORE) && !defined(DEFECT_OFFSETS_AFTER)
    committed[p] = offset + 1;
#endif
    if
    :: action == WAIT ->
#ifndef DEFECT_RETRY_OUTSIDE
        append_retry()
#else
        skip
#endif
    :: action == DECIDE ->
        assert(decided == NONE); /* the jobs of a command id once, whoever owns it */
        decided = result;
        publish()
    :: action == REPEAT ->
        assert(result == decided); /* the very result that was committed */
        publish()
    :: action == REFUSE ->
        assert(key_owner != record);
        publish()
    fi
}

inline forget() {
    record = 0; attempt = 0; result = 0; decider = 0; action = 0
}

/* The client is closed; a new one starts, and ends the transaction of the one before. */
inline leave() {
    pending[w] = false;
    offset = 0;
    my_generation = 0;
    forget()
}

inline take_from(p) {
    owner[p] = NONE;
    generation++
}

/* Killed here, or a zombie that has noticed. */
#define ENDS atomic { owner[p] != w || crashes > 0 -> end() }
inline end() {
    if
    :: owner[p] == w -> crashes--; take_from(p)
    :: else -> skip
    fi;
    leave()
}

proctype Worker(byte w; byte p) {
    byte offset, my_generation, record, attempt, result, decider;
    mtype action;

    if
    :: w % 2 == 0 -> goto end_poll /* begins with its partition */
    :: else -> skip
    fi;
end_idle:
    atomic {
        CAN_TAKE(p) ->
        owner[p] = w;
        my_generation = generation;
        offset = committed[p]
    };
end_poll:
    if
    :: atomic { owner[p] != w -> leave() }; goto end_idle
    :: atomic {
        offset < length[p] && WORTH_A_LOOK(ORIGIN_OF(p, offset), p) ->
        record = ORIGIN_OF(p, offset);
        if
        :: owner[p] == w -> my_generation = generation
        :: else -> skip
        fi
    }
    fi;

    atomic {
        claim();
        if /* an owner decides */
        :: action == DECIDE && HAS_ROOM(record) -> action = WAIT
        :: action == DECIDE -> result = decisions; decisions++
        :: else -> skip
        fi
    };
    if
    :: ENDS; goto end_idle
#ifndef DEFECT_KEEP_AFTER_COMMIT
    :: d_step { action == DECIDE -> keep() }
#endif
    :: action == REPEAT ->
#ifndef DEFECT_NO_COMMIT_CHECK
        d_step {
            if
            :: IS_COMMITTED(decider) -> skip
            :: else -> action = WAIT
            fi
        };
#endif
#ifndef DEFECT_NO_READING_AGAIN
        d_step {
            if
            :: action == REPEAT && (key_attempt != attempt || key_result == NONE) -> action = WAIT
            :: else -> skip
            fi
        }
#else
        skip
#endif
#ifdef DEFECT_KEEP_AFTER_COMMIT
    :: action != REPEAT
#else
    :: action != REPEAT && action != DECIDE
#endif
    fi;

#ifdef DEFECT_RETRY_OUTSIDE
    d_step {
        if
        :: action == WAIT && HAS_ROOM(record) -> append_retry()
        :: else -> skip
        fi
    };
#endif
#ifdef DEFECT_OFFSETS_BEFORE
    d_step {
        if
        :: action != GIVE_UP && MAY_COMMIT(w, p) -> committed[p] = offset + 1
        :: else -> skip
        fi
    };
#endif
    if /* the coordinator takes the transaction's offsets, or refuses them */
    :: ENDS; goto end_idle
    :: atomic { action == GIVE_UP || (action == WAIT && !HAS_ROOM(record)) -> forget() }; goto end_poll
    :: atomic { action != GIVE_UP && MAY_COMMIT(w, p) -> pending[w] = true }
    :: atomic { action != GIVE_UP && !MAY_COMMIT(w, p) -> leave() }; goto end_idle
    fi;

    if
    :: ENDS; goto end_idle
    :: atomic { !pending[w] -> leave() }; goto end_idle /* the coordinator has aborted it */
    :: atomic { pending[w] && action == WAIT && !HAS_ROOM(record) -> pending[w] = false; forget() }; goto end_poll
    :: atomic {
        pending[w] && aborts > 0 ->
        aborts--;
        pending[w] = false;
        forget()
#ifdef DEFECT_NO_REWIND
        ; offset++
#endif
    }; goto end_poll
    :: atomic {
        pending[w] && (action != WAIT || HAS_ROOM(record)) ->
        pending[w] = false;
        make_visible()
#if !defined(DEFECT_OFFSETS_AFTER) && !defined(DEFECT_KEEP_AFTER_COMMIT)
        ; offset++; forget()
#endif
    }
    fi;
#if defined(DEFECT_OFFSETS_AFTER) || defined(DEFECT_KEEP_AFTER_COMMIT)
    if
    :: ENDS; goto end_idle
    :: atomic {
        true ->
        if
#ifdef DEFECT_OFFSETS_AFTER
        :: MAY_COMMIT(w, p) -> committed[p] = offset + 1
#else
        :: action == DECIDE -> keep()
#endif
        :: else -> skip
        fi;
        offset++;
        forget()
    }
    fi;
#endif
    goto end_poll
}

inline evict(p) {
    evictions > 0 && owner[p] != NONE ->
    evictions--;
    take_from(p)
}

/* The coordinator aborts the transaction of a worker that is gone. */
inline time_out(w) {
    pending[w] && owner[w / 2] != w ->
    pending[w] = false
}

/* Faults at any moment, or none any more; and the end: when nothing more can happen, all must be done. */
proctype World() {
end_world:
    do
    :: d_step { evict(0) }
    :: d_step { evict(1) }
    :: d_step { evict(2) }
    :: d_step { time_out(0) }
    :: d_step { time_out(1) }
    :: d_step { time_out(2) }
    :: d_step { time_out(3) }
    :: d_step { time_out(4) }
    :: d_step { time_out(5) }
    :: d_step { evictions + crashes > 0 -> evictions = 0; crashes = 0 }
    :: timeout -> break
    od;
    assert(results[0] == 1 && results[1] == 1) /* no command lost */
}

init {
    atomic {
        byte i;
        for (i : 0 .. PARTITIONS - 1) {
            owner[i] = 2 * i
        }
        length[0] = 1;
        length[1] = 1;
        for (i : 0 .. WORKERS - 1) {
            run Worker(i, i / 2)
        }
        run World()
    }
}
