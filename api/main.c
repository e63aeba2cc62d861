/* posthorn-api: reads the settings, starts the modules, waits for SIGTERM, drains. */
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/harden.h"
#include "base/log.h"
#include "base/signals.h"
#include "files.h"
#include "openapi.h"
#include "server.h"
#include "shares.h"
#include "stats.h"
#include "store/store.h"
#include "token.h"
#include "user.h"

/* Raises the limit of descriptors to the system's maximum: each connection needs three. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static struct shares *bodies_new(const struct settings *s, struct error *error)
{
    if (s->bodies_max >= 4 * s->event_max)
        return shares_new(s->bodies_max, error);
    error_set(error, "--bodies-max must be at least four times --event-max: one account may use half of it");
    return NULL;
}

static bool start(struct api *api, struct error *error)
{
    const struct settings *s = api->settings;
    return (api->stats = stats_new(error)) != NULL && (api->openapi = openapi_new(error)) != NULL &&
           (*s->console == '\0' || (api->console = files_new(s->console, error)) != NULL) &&
           networks_read(&api->proxies, "--forwarded-for", s->forwarded_for, error) &&
           (api->requests = shares_new(s->connections_max, error)) != NULL &&
           (api->bodies = bodies_new(s, error)) != NULL &&
           (api->guard = guard_new(s->allow_networks, s->deny_networks, s->allow_ports, error)) != NULL &&
           (api->tokens = tokens_new(error)) != NULL && (api->logins = shares_new(s->logins_max, error)) != NULL &&
           (api->pool = pool_new(s->database_url, s->master_key, (size_t)s->database_connections, s->database_wait,
                                 error)) != NULL &&
           !store_refuses(s->database_url, "posthorn-api", error) && (api->publisher = publisher_new(s, error)) != NULL;
}

static void stop(struct api *api)
{
    publisher_free(&api->publisher);
    pool_free(&api->pool);
    shares_free(&api->logins);
    tokens_free(&api->tokens);
    guard_free(&api->guard);
    shares_free(&api->requests);
    shares_free(&api->bodies);
    files_free(&api->console);
    openapi_free(&api->openapi);
    stats_free(&api->stats);
}

static void serve(struct server *server, const struct settings *settings, const sigset_t *signals)
{
    int signal_number = 0;
    log_info("started", "listen=%s topic=%s", settings->listen, settings->topic);
    sigwait(signals, &signal_number);
    log_info("draining", "signal=%d", signal_number);
    server_drain(server, (struct span){settings->publish_timeout.ns + SPAN_S(10).ns});
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct api api = {.settings = &settings};
    struct server *server = NULL;
    struct error error;
    sigset_t signals;
    int first_word;
    signals_hold(&signals); /* blocked in all threads; sigwait() receives them */
    harden_process();
    enum config_result config = config_load(&api_program, argc, argv, false, &settings, &first_word, &error);
    if (config != CONFIG_OK) {
        if (config == CONFIG_BAD)
            fprintf(stderr, "posthorn-api: %s\n", error.text);
        config_free(&api_program, &settings);
        return config == CONFIG_BAD ? 2 : 0;
    }
    config_forget_environment(&api_program);
    log_init("posthorn-api", (enum log_level)settings.log_level);
    raise_limits();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bool good = start(&api, &error) && (server = server_new(&api, &error)) != NULL;
    explicit_bzero(settings.master_key, strlen(settings.master_key)); /* the key was made from it */
    if (good)
        serve(server, &settings, &signals);
    else
        fprintf(stderr, "posthorn-api: %s\n", error.text);
    server_free(&server);
    stop(&api);
    curl_global_cleanup();
    config_free(&api_program, &settings);
    return good ? 0 : 1;
}
