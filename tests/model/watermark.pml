/* A model of staging and its watermarks, for spin: the promise "ordering between topics does not matter". One command
   and its enrollment, which may be appended before or after the command is first seen, also in a transaction that is
   still open then. It must never be rejected as NOT_STAGED when the enrollment was there before; and it must be
   decided in the end.

   The enrollment comes on one partition, among other records. It has two workers that stage it: one has it, the other
   waits to take it over, and what was taken from goes on as a zombie until it notices. Of the other partition only the
   watermark matters, which may be any moment that was. Redis' clock ticks at any time, so any number of steps may fall
   into one tick. Each DEFECT_ macro builds one mistake in; check.py says within which bounds all is checked. */

#ifndef MOVES
#define MOVES 1 /* of the partition, from a worker that does not know it */
#endif
#ifndef CRASHES
#define CRASHES 1 /* workers that die at any point */
#endif
#ifndef REDELIVERIES
#define REDELIVERIES 1 /* instances that die with the command in hand */
#endif
#ifndef TICKS
#define TICKS 3 /* where Redis' clock, which begins at 1, stops */
#endif
#ifndef RECORDS
#define RECORDS 2 /* of events */
#endif

#define NONE 255

/* Kafka: the partition of the enrollment. */
byte length;      /* high watermark: what the brokers have acknowledged */
byte open = NONE; /* the first record of an open transaction */
byte committed;   /* of the staging group */
byte owner;       /* the worker that has the partition */

mtype = {ABSENT, OPEN, VISIBLE, ABORTED};
mtype enrollment = ABSENT;
byte enrollment_offset;

#define STABLE (open != NONE -> open : length)
#define IS_ENROLLMENT(o) (enrollment == VISIBLE && enrollment_offset == (o))

/* Redis. */
byte now = 1;
byte watermark, other_watermark; /* 0: none */
bool staged;

/* The command. First seen stands in the retry record. */
mtype = {UNDECIDED, CARRIED_OUT, NOT_STAGED};
mtype decision = UNDECIDED;
byte first_seen; /* 0: not yet */
bool was_there;  /* the enrollment was appended before the command was seen for the very first time */

byte moves = MOVES, crashes = CRASHES, redeliveries = REDELIVERIES;

#ifdef DEFECT_EQUAL_TICK
#define HAS_PASSED(mark) ((mark) >= first_seen)
#else
#define HAS_PASSED(mark) ((mark) > first_seen)
#endif
#ifdef DEFECT_ANY_PARTITION
#define HAVE_PASSED (HAS_PASSED(watermark) || HAS_PASSED(other_watermark))
#else
#define HAVE_PASSED (HAS_PASSED(watermark) && HAS_PASSED(other_watermark))
#endif
#ifdef DEFECT_STABLE_END
#define END STABLE
#else
#define END length
#endif
#ifdef DEFECT_CLOCK_AHEAD
#define CLOCK (now + 1) /* an instance's own, which goes before Redis' */
#else
#define CLOCK now
#endif
/* A command that would only have to wait again is looked at when that can have changed: a command that never ends is
   so a state without a next step. */
#ifdef DEFECT_LOOKUP_BEFORE_WATERMARKS
#define WORTH_A_LOOK true
#else
#define WORTH_A_LOOK (first_seen == 0 || staged || HAVE_PASSED)
#endif

inline stage(o) {
    if
    :: IS_ENROLLMENT(o) -> staged = true
    :: else -> skip
    fi
}

/* Refused to a zombie. */
inline commit_offset(o) {
    if
    :: owner == w && o > committed -> committed = o
    :: else -> skip
    fi
}

inline forget_question() {
    asked = false;
    moment = 0;
    end = 0
}

inline advance() {
    if
#ifdef WATERMARKS_GO_BACK
    :: true -> watermark = moment
#else
    :: moment > watermark -> watermark = moment
    :: else -> skip
#endif
    fi;
    forget_question()
}

/* It notices that the partition is gone. The open question may outlive that: its moment and end stay true. */
inline leave() {
    reached = 0;
    if
    :: forget_question()
    :: asked -> skip
    fi
}

/* What comes after it has its name, and knows nothing. */
inline die() {
    crashes--;
    if
    :: owner == w -> owner = NONE
    :: else -> skip
    fi;
    reached = 0;
    forget_question()
}

#define MAY_DIE (crashes > 0)

/* The moment must be read before the end. The two are steps of their own: anything may happen in between. */
#ifdef DEFECT_TIME_AFTER_END
#define FIRST_ANSWER end = END
#define SECOND_ANSWER moment = CLOCK
#else
#define FIRST_ANSWER moment = CLOCK
#define SECOND_ANSWER end = END
#endif

/* `reached`: all before it is in Redis, as the worker believes. Once the command is decided all may stand still. */
proctype Worker(byte w) provided (decision == UNDECIDED) {
    byte reached, moment, end;
    bool asked;

    if
    :: w == 0 -> skip /* begins with the partition */
    :: else -> goto end_idle
    fi;
end_work:
    if
    :: atomic { owner != w -> leave() }; goto end_idle
    :: atomic { MAY_DIE -> die() }; goto end_idle

    /* A record: into Redis, then its offset is committed; or the worker dies in between. */
#if defined(DEFECT_OFFSET_BEFORE_REDIS)
    :: atomic { reached < STABLE -> commit_offset(reached + 1) };
        if
        :: atomic { MAY_DIE -> die() }; goto end_idle
        :: d_step { true -> stage(reached); reached++ }
        fi
#elif defined(DEFECT_REACHED_BEFORE_REDIS)
    :: d_step { reached < STABLE -> reached++ };
        if /* the watermark may move while the record is in hand */
        :: d_step { asked && reached >= end -> advance() }
        :: true
        fi;
        d_step { stage(reached - 1); commit_offset(reached) }
#else
    :: d_step { reached < STABLE -> stage(reached); reached++; commit_offset(reached) }
    :: atomic { reached < STABLE && MAY_DIE -> stage(reached); die() }; goto end_idle
#endif

    /* The question for the end; and, later, its answer reached. */
    :: atomic { !asked && now > watermark -> FIRST_ANSWER };
        if
        :: atomic { MAY_DIE -> die() }; goto end_idle
        :: atomic { true -> SECOND_ANSWER; asked = true }
        fi
    :: d_step { asked && reached >= end -> advance() }
    fi;
    goto end_work;

end_idle:
    atomic {
        owner == NONE ->
        owner = w;
        reached = committed
    };
    goto end_work
}

/* Clock, watermarks and material in one pipeline to Redis: in this order, but not in one step. */
proctype Command() {
    bool passed, found, new;

end_wait:
    atomic {
        WORTH_A_LOOK ->
        if
        :: first_seen == 0 ->
            first_seen = now;
            new = true;
            was_there = was_there || enrollment != ABSENT
        :: else -> new = false
        fi
#ifdef DEFECT_FIRST_SEEN_RENEWED
        ; first_seen = now
#endif
    };
#ifdef DEFECT_LOOKUP_BEFORE_WATERMARKS
    found = staged;
    passed = HAVE_PASSED;
#else
    passed = HAVE_PASSED;
    found = staged;
#endif
    if
    :: atomic { found -> decision = CARRIED_OUT; passed = false; found = false; new = false }
    :: atomic {
        !found && passed ->
        assert(!was_there || enrollment == ABORTED); /* not wrongly rejected */
#ifdef NEVER_SAID
        assert(false);
#endif
        decision = NOT_STAGED; passed = false; new = false
    }
    :: atomic { !found && !passed -> new = false }; goto end_wait
    :: atomic {
        redeliveries > 0 && (!new || now < TICKS) ->
        redeliveries--;
        if /* the retry record that says when it was first seen was not committed yet */
        :: new -> first_seen = 0
        :: else -> skip
        fi;
        new = false;
        passed = false;
        found = false
    }; goto end_wait
    fi
}

#define MAY_APPEND (length < RECORDS)

/* Producers of events, within transactions and without. What stands behind an open transaction is visible when that
   has ended. */
proctype Producers() provided (decision == UNDECIDED) {
end_produce:
    do
    :: d_step { MAY_APPEND -> length++ }
    :: d_step { MAY_APPEND && open == NONE -> open = length; length++ }
    :: d_step { MAY_APPEND && enrollment == ABSENT ->
        enrollment = VISIBLE; enrollment_offset = length; length++
    }
    :: d_step { MAY_APPEND && enrollment == ABSENT && open == NONE ->
        enrollment = OPEN; enrollment_offset = length; open = length; length++
    }
    :: atomic { open != NONE ->
        open = NONE;
        if
        :: enrollment == OPEN -> enrollment = VISIBLE
        :: enrollment == OPEN -> enrollment = ABORTED
        :: else -> skip
        fi
    }
    od
}

/* The clock, the other partition, and moves at any moment; and the end: when nothing more can happen, the command must be decided. */
proctype World() {
end_world:
    do
    /* time does not come to its end before the command is seen */
    :: d_step { now < TICKS - (first_seen == 0) -> now++ }
    :: d_step { moves > 0 && owner != NONE -> moves--; owner = NONE }
    :: d_step { other_watermark < now -> other_watermark = now }
    :: timeout -> break
    od;
#ifdef DECIDED_OR_NOT
    skip
#else
    assert(decision != UNDECIDED)
#endif
}

init {
    atomic {
        run Worker(0);
#if MOVES > 0
        run Worker(1);
#endif
        run Command();
        run Producers();
        run World()
    }
}
