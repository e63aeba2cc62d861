/* Tasks: small statements that must be done soon, in their order, each again and again until PostgreSQL has answered.
 * Each may be done twice. */
#pragma once
#include "background.h"
#include "event/uuid.h"

/* The statement's parameters are, in this order: id int4, owner uuid, text text, number int8. */
struct task {
    const char *statement; /* a literal */
    const char *who;       /* for the log; a literal */
    int32_t id;
    unsigned char owner[UUID_SIZE];
    char text[200];
    int64_t number;
    /* PostgreSQL has done it; `row` is its answer. NULL: nothing follows from that. */
    void (*done)(struct dispatcher *d, const struct task *task, const PGresult *row);
};

struct tasks *tasks_new(struct error *error) MUST_USE;
void tasks_free(struct tasks **tasks);

/* A copy is kept. When there are too many it is dropped with a warning: what a task is for is found again by the next
 * attempt, the next claim, or the lease of the outbox. */
void tasks_add(struct dispatcher *d, const struct task *task);

/* Called in every turn. */
void tasks_work(struct dispatcher *d);
