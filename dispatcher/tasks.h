/* Tasks: small statements to run soon, in order. Each is repeated until PostgreSQL has answered, so each must be safe
 * to run twice. */
#pragma once
#include "background.h"
#include "event/uuid.h"

/* The statement's parameters are, in this order: id int4, owner uuid, text text, number int8. */
struct task {
    const char *statement; /* a string literal */
    const char *who;       /* for the log; a string literal */
    int32_t id;
    unsigned char owner[UUID_SIZE];
    char text[200];
    int64_t number;
    /* Called when PostgreSQL has run it; `row` is the result, or NULL if it was refused or dropped. NULL: no action. */
    void (*done)(struct dispatcher *d, const struct task *task, const PGresult *row);
};

struct tasks *tasks_new(struct error *error) MUST_USE;
void tasks_free(struct tasks **tasks);

/* Keeps a copy of the task. If too many tasks wait, it is dropped with a warning, and done() is called: the next
 * attempt, the next claim or the lease of the outbox makes it again. */
void tasks_add(struct dispatcher *d, const struct task *task);

/* Called in every turn. */
void tasks_work(struct dispatcher *d);
