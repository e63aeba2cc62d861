/* Configuration files. */
#include "base/config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

struct settings {
    char *text, *secret;
    struct span span;
    int64_t count;
    bool flag;
    int choice;
};

#define S struct settings
static const struct setting table[] = {SETTING_TEXT(S, text, "fuzz-text", NULL, "X", "a text", SETTING_MANY),
                                       SETTING_TEXT(S, secret, "fuzz-secret", NULL, "X", "a secret", SETTING_SECRET),
                                       SETTING_SPAN(S, span, "fuzz-span", "1s", 0, 3600000000000, "a time"),
                                       SETTING_COUNT(S, count, "fuzz-count", "5", 1, 10, "a number"),
                                       SETTING_FLAG(S, flag, "fuzz-flag", "a flag"),
                                       SETTING_CHOICE(S, choice, "fuzz-choice", "a", "a|bb|c", "a choice"),
                                       {0}};
#undef S
static const struct program program = {.name = "fuzz", .about = "fuzzed", .usage = "", .settings = table};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {0};
    struct error error = {""};
    char path[40], *argv[] = {"fuzz", "--config", path, NULL};
    int first, fd = memfd_create("config", MFD_CLOEXEC);
    ENSURE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (config_load(&program, 3, argv, false, &settings, &first, &error) == CONFIG_OK) {
        ENSURE(settings.count >= 1 && settings.count <= 10);
        ENSURE(settings.span.ns >= 0 && settings.span.ns <= 3600000000000);
        ENSURE(settings.choice >= 0 && settings.choice <= 2);
    } else {
        ENSURE(error.text[0] != '\0');
    }
    config_free(&program, &settings);
    close(fd);
    return 0;
}
