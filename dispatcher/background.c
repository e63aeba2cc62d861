#include "background.h"

#include <stdlib.h>

struct background {
    struct dispatcher *d;
    struct session *session;
    struct timer tick;
};

static void connected(void *owner)
{
    (void)owner; /* the modules look for work in every turn */
}

static void ticked(void *owner)
{
    struct background *background = owner;
    struct dispatcher *d = background->d;
    kafka_nudge(d->kafka);
    timer_set(d->loop, &background->tick, mono_add(loop_now(d->loop), d->settings->clock_interval));
}

struct background *background_new(struct dispatcher *d, struct error *error)
{
    struct background *background = calloc(1, sizeof *background);
    if (background == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    background->d = d;
    background->tick = (struct timer){.fire = ticked, .owner = background};
    background->session =
        session_new(d->loop, d->settings->database_url, "posthorn-dispatcher background", connected, d, error);
    if (background->session == NULL)
        background_free(&background);
    else
        timer_set(d->loop, &background->tick, mono_add(loop_now(d->loop), SPAN_MS(1)));
    return background;
}

void background_free(struct background **background)
{
    struct background *old = *background;
    if (old == NULL)
        return;
    session_free(&old->session);
    timer_cancel(old->d->loop, &old->tick);
    free(old);
    *background = NULL;
}

struct session *background_session(struct dispatcher *d)
{
    return d->background->session;
}

bool background_is_free(const struct dispatcher *d)
{
    return d->id != 0 && session_idle(d->background->session);
}

bool background_connected(const struct dispatcher *d)
{
    return session_connected(d->background->session);
}

void background_hurry(struct dispatcher *d)
{
    timer_set(d->loop, &d->background->tick, loop_now(d->loop));
}
