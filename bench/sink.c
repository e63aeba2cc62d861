/*
 * bench-sink: a receiver of webhooks with minimal cost, for benchmarks and fault tests.
 *
 * One thread, one epoll. A request goes through sink_request (bytes to request), sink_record (what is stored of it)
 * and sink_connection (the response). Prints one line with its address when it listens; SIGTERM and SIGINT end it.
 */
#include "number.h"
#include "sink_connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, JOURNAL_MS = 10, BACKLOG = 4096 };

static const char PROGRAM[] = "bench-sink";

static const char HELP[] =
    "usage: bench-sink --port PORT [options]\n"
    "Answers HTTP/1.1 requests on loopback and remembers when each came.\n"
    "\n"
    "  --port PORT         port to listen on; 0 takes a free one (it is printed)\n"
    "  --host ADDRESS      IPv4 loopback address to listen on (127.0.0.1)\n"
    "  --all-loopback      listen on all of 127.0.0.0/8 instead\n"
    "  --keep N            remember this many distinct requests (1000000; about 160 bytes each)\n"
    "  --connections N     hold at most this many connections (10000)\n"
    "  --journal FILE      append a line \"<ns since 1970> <webhook-id> <path>\" for each request\n"
    "\n"
    "The path chooses the answer:\n"
    "  /ok/...             200 (and so does any path not named here)\n"
    "  /status/CODE/...    that status; ?retry-after=SECONDS adds the header\n"
    "  /delay/MS/...       200 after so many milliseconds (at most 63000)\n"
    "  /hang/...           never\n"
    "  /drip/...           200 and then one byte each 100 ms\n"
    "  /big/MB/...         200 with a body of so many megabytes\n"
    "  /close/...          the connection is closed without an answer\n"
    "  /cut/...            the connection is reset after half an answer\n"
    "The sink itself: GET /stats, GET /spread?id=WEBHOOK-ID (without id: of the last event), GET /requests (the last "
    "128), POST /reset\n";

struct options {
    struct sockaddr_in address;
    bool all_loopback;
    long keep;
    long connections;
    const char *journal;
};

static volatile sig_atomic_t stopping;

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static void options_read(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {
        {"port", required_argument, NULL, 'p'},
        {"host", required_argument, NULL, 'h'},
        {"all-loopback", no_argument, NULL, 'a'},
        {"keep", required_argument, NULL, 'k'},
        {"connections", required_argument, NULL, 'c'},
        {"journal", required_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'H'},
        {NULL, 0, NULL, 0},
    };
    long port = -1;
    const char *host = "127.0.0.1";
    *options = (struct options){.keep = 1000000, .connections = 10000};
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (option == 'p')
            port = bench_number(PROGRAM, "port", optarg, 0, 65535);
        else if (option == 'h')
            host = optarg;
        else if (option == 'a')
            options->all_loopback = true;
        else if (option == 'k')
            options->keep = bench_number(PROGRAM, "keep", optarg, 1, 50000000);
        else if (option == 'c')
            options->connections = bench_number(PROGRAM, "connections", optarg, 1, 200000);
        else if (option == 'j')
            options->journal = optarg;
        else
            exit(fputs(HELP, option == 'H' ? stdout : stderr) < 0 || option != 'H' ? 2 : 0);
    }
    options->address.sin_family = AF_INET;
    options->address.sin_port = htons((uint16_t)port);
    bool loopback = inet_pton(AF_INET, host, &options->address.sin_addr) == 1 &&
                    ntohl(options->address.sin_addr.s_addr) >> 24 == 127;
    if (port < 0 || optind < argc || !loopback) {
        fprintf(stderr, "%s: %s\n%s", PROGRAM,
                port < 0    ? "--port is missing"
                : !loopback ? "--host must be an address in 127.0.0.0/8"
                            : "too many arguments",
                HELP);
        exit(2);
    }
    if (options->all_loopback)
        options->address.sin_addr.s_addr = htonl(INADDR_ANY);
}

/* Raises the limit of open files as far as the system allows; false with errno if that is not enough for --connections
 * and the few other files. */
static bool raise_file_limit(long connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    limit.rlim_cur = limit.rlim_max;
    errno = EMFILE;
    return limit.rlim_max >= (rlim_t)connections + 64 && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static int listen_at(struct sockaddr_in *address)
{
    int one = 1;
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* accepted sockets inherit it */
    if (bind(fd, (struct sockaddr *)address, sizeof *address) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &length) == 0)
        return fd;
    close(fd);
    return -1;
}

/* When listening on all addresses, a connection to one outside 127.0.0.0/8 is refused. */
static bool came_over_loopback(int fd)
{
    struct sockaddr_in local = {0};
    socklen_t length = sizeof local;
    return getsockname(fd, (struct sockaddr *)&local, &length) == 0 && ntohl(local.sin_addr.s_addr) >> 24 == 127;
}

static void accept_all(struct sink *sink, int listener, bool check)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        if (check && !came_over_loopback(fd))
            close(fd);
        else
            sink_accept(sink, fd);
    }
}

static int wait_ms(const struct sink *sink, const struct sink_record *record)
{
    int wait = sink_wait_ms(sink);
    if (sink_record_dirty(record) && (wait < 0 || wait > JOURNAL_MS))
        wait = JOURNAL_MS;
    return wait;
}

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Runs until a signal; false with errno if epoll or the journal fails. */
static bool serve(struct sink *sink, struct sink_record *record, int epoll, int listener, bool check)
{
    struct epoll_event events[EVENTS];
    sigset_t none;
    sigemptyset(&none);
    int64_t flushed = 0;
    while (!stopping) {
        int count = epoll_pwait(epoll, events, EVENTS, wait_ms(sink, record), &none);
        if (count < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(sink, listener, check);
            else
                sink_handle(sink, events[i].data.ptr, events[i].events);
        }
        sink_tick(sink);
        if (!sink_record_dirty(record))
            continue;
        int64_t now = clock_ms();
        if (now - flushed < JOURNAL_MS)
            continue;
        flushed = now;
        if (!sink_record_flush(record))
            return false;
    }
    return sink_record_flush(record);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* delivered only inside epoll_pwait */
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", PROGRAM, what, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    struct options options;
    options_read(argc, argv, &options);
    catch_signals();
    if (!raise_file_limit(options.connections))
        return failed("open files for --connections; lower it or raise ulimit -n");
    struct sink_record *record = sink_record_new((size_t)options.keep, options.journal);
    if (record == NULL)
        return failed(options.journal != NULL ? options.journal : "memory for --keep");
    int status = 1;
    struct sink *sink = NULL;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_at(&options.address);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll < 0 || listener < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) {
        failed("cannot listen on the address and port");
        goto out;
    }
    sink = sink_new(epoll, record, (size_t)options.connections);
    if (sink == NULL) {
        failed("memory");
        goto out;
    }
    char name[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &options.address.sin_addr, name, sizeof name);
    printf("%s: listening on %s:%u\n", PROGRAM, name, ntohs(options.address.sin_port));
    fflush(stdout);
    status = serve(sink, record, epoll, listener, options.all_loopback) ? 0 : failed("serving");
out:
    if (sink != NULL)
        sink_free(&sink);
    sink_record_free(&record);
    if (listener >= 0)
        close(listener);
    if (epoll >= 0)
        close(epoll);
    return status;
}
