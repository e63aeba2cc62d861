/*
 * bench-yardstick: how many requests per second the bare libcurl multi loop sends, and the CPU that each costs.
 *
 * The dispatcher is compared with it in the same run, with the same bench-sink and the same requests. It is the lower
 * bound of the cost for a program that uses libcurl. One thread. Prints one line of JSON.
 */
#include "number.h"
#include "yardstick_request.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char PROGRAM[] = "bench-yardstick";

static const char HELP[] =
    "usage: bench-yardstick --port PORT [options]\n"
    "Sends webhook requests to bench-sink by the bare libcurl multi loop and prints what it cost.\n"
    "\n"
    "  --port PORT       of bench-sink on 127.0.0.1\n"
    "  --requests N      to measure (100000)\n"
    "  --warm N          sent before the measurement begins (2000)\n"
    "  --concurrency N   requests in flight (128)\n"
    "  --hanging N       requests more, in flight all the time, to a URL that never answers (0)\n"
    "  --webhooks N      URLs that they are spread over (100)\n"
    "  --hosts N         addresses 127.0.0.1 … 127.0.0.N that the URLs are spread over (1); more than\n"
    "                    one needs bench-sink --all-loopback\n"
    "  --fan-out N       requests with the same webhook-id (1)\n"
    "  --body N          bytes of each body (400)\n"
    "  --loop KIND       poll: curl_multi_poll and curl_multi_perform (the default)\n"
    "                    socket: curl_multi_socket_action over epoll\n";

struct options {
    struct target target;
    long requests;
    long warm;
    long concurrency;
    int socket_action;
};

struct usage {
    double wall; /* seconds */
    double user;
    double system;
};

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static struct usage usage_now(void)
{
    struct rusage usage;
    struct timespec now;
    getrusage(RUSAGE_SELF, &usage);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct usage){(double)now.tv_sec + (double)now.tv_nsec / 1e9, seconds_of(usage.ru_utime),
                          seconds_of(usage.ru_stime)};
}

static void help(int status)
{
    fputs(HELP, status == 0 ? stdout : stderr);
    exit(status);
}

static int loop_kind(const char *name)
{
    if (strcmp(name, "poll") != 0 && strcmp(name, "socket") != 0) {
        fprintf(stderr, "%s: --loop is \"%s\"; give poll or socket\n", PROGRAM, name);
        exit(2);
    }
    return strcmp(name, "socket") == 0;
}

static void options_read(int argc, char **argv, struct options *options)
{
    struct number {
        const char *name;
        long *value;
        long low, high;
    };
    long port = 0;
    *options = (struct options){.requests = 100000, .warm = 2000, .concurrency = 128};
    options->target = (struct target){.hosts = 1, .webhooks = 100, .fan_out = 1, .body_bytes = 400};
    const struct number numbers[] = {
        {"port", &port, 1, 65535},
        {"requests", &options->requests, 1, 1000000000},
        {"warm", &options->warm, 0, 1000000},
        {"concurrency", &options->concurrency, 1, 10000},
        {"hanging", &options->target.hanging, 0, 10000},
        {"webhooks", &options->target.webhooks, 1, 1000000},
        {"hosts", &options->target.hosts, 1, 250},
        {"fan-out", &options->target.fan_out, 1, 1000000},
        {"body", &options->target.body_bytes, 100, 10000000},
    };
    enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
    struct option table[NUMBERS + 3] = {{"loop", required_argument, NULL, 'l'}, {"help", no_argument, NULL, 'H'}};
    for (int i = 0; i < NUMBERS; i++)
        table[i + 2] = (struct option){numbers[i].name, required_argument, NULL, i};
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (option >= 0 && option < NUMBERS)
            *numbers[option].value =
                bench_number(PROGRAM, numbers[option].name, optarg, numbers[option].low, numbers[option].high);
        else if (option == 'l')
            options->socket_action = loop_kind(optarg);
        else
            help(option == 'H' ? 0 : 2);
    }
    if (port == 0 || optind < argc)
        help(2);
    options->target.port = (int)port;
}

static void print_result(const struct options *options, const struct pool *pool, struct usage from, struct usage to)
{
    double wall = to.wall - from.wall;
    double count = (double)options->requests;
    printf("{\"loop\":\"%s\",\"concurrency\":%ld,\"hanging\":%ld,\"webhooks\":%ld,\"hosts\":%ld,\"requests\":%ld,"
           "\"failed\":%ld,\"connects\":%ld,"
           "\"seconds\":%.3f,\"requests_per_second\":%.0f,\"cpu_us_per_request\":%.2f,\"user_us_per_request\":%.2f,"
           "\"system_us_per_request\":%.2f}\n",
           options->socket_action ? "socket" : "poll", options->concurrency, options->target.hanging,
           options->target.webhooks, options->target.hosts, options->requests, pool_failed(pool), pool_connects(pool),
           wall, count / wall, (to.user - from.user + to.system - from.system) / count * 1e6,
           (to.user - from.user) / count * 1e6, (to.system - from.system) / count * 1e6);
}

/* Keeps `concurrency` requests in flight; the time is measured from the first completion after the warm-up to the last.
 */
static void run(const struct options *options, struct loop *loop, struct pool *pool)
{
    struct usage from = usage_now();
    long total = options->warm + options->requests;
    for (long done = 0; done < total;) {
        pool_start(pool, total);
        loop_perform(loop);
        long finished = pool_finish(pool);
        if (finished == 0) {
            loop_wait(loop);
            finished = pool_finish(pool);
        }
        if (done < options->warm && done + finished >= options->warm)
            from = usage_now();
        done += finished;
    }
    print_result(options, pool, from, usage_now());
}

int main(int argc, char **argv)
{
    struct options options;
    char run_name[24];
    int status = 1;
    options_read(argc, argv, &options);
    snprintf(run_name, sizeof run_name, "%lx%x", (unsigned long)time(NULL), (unsigned)getpid());
    options.target.run = run_name;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    struct loop *loop = multi != NULL ? loop_new(multi, options.socket_action) : NULL;
    struct pool *pool = loop != NULL ? pool_new(multi, loop, &options.target, (size_t)options.concurrency) : NULL;
    if (pool == NULL) {
        fprintf(stderr, "%s: cannot begin: %s\n", PROGRAM, strerror(errno));
        goto out;
    }
    run(&options, loop, pool);
    status = pool_failed(pool) == 0 ? 0 : 1;
    if (status != 0)
        fprintf(stderr, "%s: %ld requests failed; does bench-sink listen on port %d?\n", PROGRAM, pool_failed(pool),
                options.target.port);
out:
    pool_free(&pool);
    if (multi != NULL)
        curl_multi_cleanup(multi);
    loop_free(&loop);
    curl_global_cleanup();
    return status;
}
