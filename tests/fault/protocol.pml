/* A model of the commit protocol, for spin: claim, intake, send, flush, park, retry, crash, sleep and rebalance. tests/fault/test_model.py checks it. It also
 * checks that the model fails if a part is left out (-DBROKEN_...), which shows that the properties can fail.
 *
 * One partition of RECORDS records, one webhook, two dispatchers. PostgreSQL's transactions are the atomic blocks; everything outside them is a
 * dispatcher's memory, which is lost with it. A dispatcher may stop anywhere for any time (SIGSTOP, or the scheduler) and lose its partition meanwhile: only the owner in the position row shows this. Crashes and rebalances are bounded, so that all runs end.
 *
 * Promise 1: what the position has passed is delivered and recorded, or pending; at the end, everything is recorded as delivered.
 * Promise 2: an attempt recorded before a claim is not sent again by the dispatcher that made the claim; therefore there are at most 1 + crashes + rebalances requests of each record. */

#ifndef RECORDS
#define RECORDS 2
#endif
#define CRASHES 1
#define REBALANCES 1
#define NOBODY 255

/* PostgreSQL */
byte next = 0;            /* the position */
byte owner = NOBODY;      /* of the position: number of the claim */
byte claims = 0;          /* each claim is a new number */
bool attempt[RECORDS];    /* a successful attempt is recorded */
bool pending[RECORDS];    /* a pending row */
bool stored[RECORDS];     /* the event row */
byte lease = NOBODY;      /* the holder for the webhook's backlog: the claim number of a process, so that a restarted process is another holder */

/* The world */
byte assigned = 0;        /* the dispatcher to which Kafka has assigned the partition */
byte sent[RECORDS];       /* requests that reached the webhook */
bool answered[RECORDS];   /* one of them was answered with 2xx */
byte crashes = 0, rebalances = 0;

/* For the properties only */
byte highest = 0;         /* the highest position so far */
byte since[RECORDS];      /* how many claims there were when the attempt was recorded */

#define DONE (attempt[0] && attempt[RECORDS - 1] && !pending[0] && !pending[RECORDS - 1] && next == RECORDS)
#define COVERED(r) (r >= next || attempt[r] || pending[r])

inline check()
{
    byte c;
    assert(next >= highest);                               /* a position never moves back */
    highest = next;
    for (c : 0 .. RECORDS - 1) {
        assert(COVERED(c));                                /* promise 1 */
        assert(!attempt[c] || answered[c]);                /* no phantom */
        assert(!(attempt[c] || pending[c]) || stored[c]);  /* belongs to an event */
        assert(sent[c] <= 1 + crashes + 2 * rebalances);   /* promise 2 */
    }
    c = 0
}

inline record(which)
{
    if
    :: !attempt[which] -> since[which] = claims
    :: else
    fi;
    attempt[which] = true
}

/* A dispatcher that has lost the partition makes nothing pending that another has already made pending. */
inline park(which)
{
    assert(owner == mine || !attempt[which]);
    pending[which] = true
}

proctype dispatcher(byte me)
{
    byte mine = NOBODY;      /* the number of my claim */
    byte at, from;           /* next record to send; position as I know it */
    bool recorded[RECORDS];  /* as the claim found it */
    bool got[RECORDS];       /* responses not yet flushed */
    bool parked[RECORDS];    /* to be written as pending rows by the next flush */
    byte r, taken = NOBODY;
    bool lost;

    do
    :: DONE -> break

    /* Claim: ours in PostgreSQL first. */
    :: mine == NOBODY && assigned == me && !DONE ->
        atomic {
            mine = claims;
            claims++;
            owner = mine;
            from = next;
            at = next;
            for (r : 0 .. RECORDS - 1) {
#ifndef BROKEN_RECORDED
                recorded[r] = attempt[r] || pending[r];
#endif
                got[r] = false;
                parked[r] = false
            }
            r = 0
        }

    /* Intake, then the request; it is answered, or it is parked because it takes too long (and may still be answered later). */
    :: mine != NOBODY && at < RECORDS && recorded[at] ->
        at++
    :: mine != NOBODY && at < RECORDS && !recorded[at] && !got[at] && !parked[at] ->
        atomic { stored[at] = true };
        if
        :: atomic {
                assert(!attempt[at] || since[at] > mine); /* promise 2 */
                sent[at]++;
                answered[at] = true
            };
            got[at] = true
        :: parked[at] = true
        fi;
        at++

    /* Flush: attempts, pending rows and the position in one transaction, which the check of the owner may refuse as a whole. */
    :: mine != NOBODY && from < at ->
        atomic {
            lost = false;
#ifdef BROKEN_FENCE
            if
            :: true ->
#else
            if
            :: owner != mine || next != from ->
                lost = true; /* attempts are still recorded, positions and parks are dropped */
                for (r : 0 .. RECORDS - 1) {
                    if
                    :: got[r] -> record(r)
                    :: else
                    fi
                }
            :: else ->
#endif
                for (r : 0 .. RECORDS - 1) {
                    if
                    :: got[r] -> record(r)
#ifndef BROKEN_PARK
                    :: parked[r] -> park(r)
#endif
                    :: else
                    fi
                }
#ifndef BROKEN_ORDER
                next = at;
#endif
                from = at
            fi;
            for (r : 0 .. RECORDS - 1) {
                got[r] = false;
                parked[r] = false
            }
            r = 0;
            check();
            if
            :: lost -> mine = NOBODY
            :: else
            fi
        }
    /* A flush that does not move the position, because an earlier record is not completed, is also refused if the position has another owner. */
    :: mine != NOBODY && from < at && parked[at - 1] ->
        atomic {
#ifndef BROKEN_STAY
            if
            :: owner != mine || next != from -> mine = NOBODY
            :: else ->
#endif
                park(at - 1);
#ifndef BROKEN_STAY
            fi;
#endif
            parked[at - 1] = false;
            check()
        }
#ifdef BROKEN_ORDER
    /* The position moves before the rows for what it passes are written. */
    :: mine != NOBODY && at > next && owner == mine -> atomic { next = at; check() }
#endif

    /* Retry: lease the webhook, take the due deliveries, send them, settle them. */
    :: taken == NOBODY && lease == NOBODY ->
        atomic {
            if
            :: lease == NOBODY && (pending[0] || pending[RECORDS - 1]) ->
                lease = me;
                if
                :: pending[0] -> taken = 0
                :: else -> taken = RECORDS - 1
                fi
            :: else
            fi
        }
    :: taken != NOBODY ->
        atomic { sent[taken]++; answered[taken] = true };
        atomic {
            record(taken);
            pending[taken] = false;
            lease = NOBODY;
            check();
            taken = NOBODY
        }

    /* Crash: the memory is lost, PostgreSQL stays, the lease expires. */
    :: crashes < CRASHES ->
        atomic {
            crashes++;
            if
            :: lease == me -> lease = NOBODY
            :: else
            fi;
            taken = NOBODY;
            mine = NOBODY;
            at = 0;
            from = 0
        }

    /* Rebalance: the other dispatcher gets the partition; the first one may learn it at any later time. */
    :: rebalances < REBALANCES && assigned == me ->
        atomic { rebalances++; assigned = 1 - me }
    :: mine != NOBODY && assigned != me ->
        mine = NOBODY /* it has learned it */
    od
}

init
{
    atomic { run dispatcher(0); run dispatcher(1) }
}

/* No run stops before everything is done: spin's search for invalid end states; and each run can still reach its end. */
