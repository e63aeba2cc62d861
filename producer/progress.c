#include "producer/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "producer/session.h"

#define EVERY SPAN_MS(200)

void progress_init(struct progress *progress, FILE *out)
{
    *progress = (struct progress){.out = out, .begun = mono_now(), .terminal = isatty(fileno(out)) == 1};
}

void progress_show(struct progress *progress, const struct session_counts *counts)
{
    struct mono now = mono_now();
    if (!progress->terminal || mono_before(now, mono_add(progress->drawn, EVERY)))
        return;
    int64_t ms = span_ms(mono_since(now, progress->begun));
    fprintf(progress->out,
            "\r\033[K%" PRIu64 " read, %" PRIu64 " acknowledged, %" PRIu64 " refused, %" PRIu64
            " not acknowledged, %" PRIu64 "/s",
            counts->read, counts->acknowledged, counts->refused, counts->failed,
            ms > 0 ? counts->acknowledged * 1000 / (uint64_t)ms : 0);
    fflush(progress->out);
    progress->drawn = now;
    progress->visible = true;
}

void progress_interrupt(struct progress *progress)
{
    if (progress->visible)
        fputs("\r\033[K", progress->out);
    progress->visible = false;
}

void progress_end(struct progress *progress, const struct session_counts *counts)
{
    progress_interrupt(progress);
    if (counts->read > 0)
        fprintf(progress->out,
                "events: %" PRIu64 " read, %" PRIu64 " acknowledged, %" PRIu64 " refused, %" PRIu64
                " not acknowledged\n",
                counts->read, counts->acknowledged, counts->refused, counts->failed);
}
