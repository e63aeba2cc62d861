#include "tasks.h"

#include <stdlib.h>

#include "database.h"

#define TASKS_MAX 1024

struct tasks {
    struct task ring[TASKS_MAX];
    size_t first, count;
    bool sent; /* the first task is under way */
};

struct tasks *tasks_new(struct error *error)
{
    struct tasks *tasks = calloc(1, sizeof *tasks);
    if (tasks == NULL)
        error_set(error, "no memory");
    return tasks;
}

void tasks_free(struct tasks **tasks)
{
    free(*tasks);
    *tasks = NULL;
}

static void done(struct dispatcher *d, const struct task *task, const PGresult *row)
{
    if (task->done != NULL)
        task->done(d, task, row);
}

void tasks_add(struct dispatcher *d, const struct task *task)
{
    struct tasks *tasks = d->tasks;
    if (tasks->count == TASKS_MAX) {
        log_warning("tasks_full", "dropped=%s", task->who);
        done(d, task, NULL);
        return;
    }
    tasks->ring[(tasks->first + tasks->count++) % TASKS_MAX] = *task;
}

static void answered(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct tasks *tasks = d->tasks;
    invariant(tasks->sent && tasks->count > 0);
    tasks->sent = false;
    if (reply->status == REPLY_LOST)
        return; /* it is sent again */
    struct task task = tasks->ring[tasks->first];
    tasks->first = (tasks->first + 1) % TASKS_MAX;
    tasks->count--;
    if (reply->status == REPLY_REFUSED)
        database_refused(d, task.who, reply);
    done(d, &task, reply->status == REPLY_OK ? reply->results[0] : NULL);
}

void tasks_work(struct dispatcher *d)
{
    struct tasks *tasks = d->tasks;
    struct value id, number;
    if (tasks->count == 0 || tasks->sent || !background_is_free(d))
        return;
    const struct task *task = &tasks->ring[tasks->first];
    const struct param params[] = {param_int4(task->id, &id), param_uuid(task->owner), param_text(text_of(task->text)),
                                   param_int8(task->number, &number)};
    tasks->sent = session_add(background_session(d), task->statement, params, 4) &&
                  session_send(background_session(d), answered, d);
}
