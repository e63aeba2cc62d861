/* Settings from the command line, the environment and a file: their precedence, and what is refused. */
#include "base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct settings {
    char *url, *secret, *many, *argument;
    struct span interval;
    int64_t count;
    bool flag;
    int choice;
};

#define S struct settings
static const struct setting table[] = {
    SETTING_TEXT(S, url, "test-url", NULL, "URL", "where it is", SETTING_REQUIRED),
    SETTING_TEXT(S, secret, "test-secret", NULL, "KEY", "a secret", SETTING_SECRET),
    SETTING_TEXT(S, many, "test-many", NULL, "X", "several", SETTING_MANY),
    SETTING_TEXT(S, argument, "test-argument", NULL, "X", "one command's", SETTING_ARGUMENT),
    SETTING_SPAN(S, interval, "test-interval", "20ms", 1000000, 10000000000, "how long"),
    SETTING_COUNT(S, count, "test-count", "7", 1, 100, "how many"),
    SETTING_FLAG(S, flag, "test-flag", "whether"),
    SETTING_CHOICE(S, choice, "test-choice", "b", "a|b|cc", "which"),
    {0}};
#undef S
static const struct program program = {
    .name = "program", .about = "a test", .usage = "[OPTION]…", .details = ".details", .settings = table};

static const char *const variables[] = {"POSTHORN_TEST_URL",   "POSTHORN_TEST_SECRET",   "POSTHORN_TEST_SECRET_FILE",
                                        "POSTHORN_TEST_MANY",  "POSTHORN_TEST_ARGUMENT", "POSTHORN_TEST_INTERVAL",
                                        "POSTHORN_TEST_COUNT", "POSTHORN_TEST_FLAG",     "POSTHORN_TEST_CHOICE"};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    return 0;
}

/* `line` contains the words with single spaces between them. */
static enum config_result load(const char *line, struct settings *settings, int *words, struct error *error)
{
    static char copy[1000];
    char *argv[40], *rest = copy;
    int argc = 0, first = 0;
    snprintf(copy, sizeof copy, "program%s%s", *line != '\0' ? " " : "", line);
    while (rest != NULL)
        argv[argc++] = strsep(&rest, " ");
    argv[argc] = NULL;
    *settings = (struct settings){0};
    *error = (struct error){""};
    enum config_result result = config_load(&program, argc, argv, false, settings, &first, error);
    *words = argc - first;
    return result;
}

/* Writes a file with this text; its path is valid until the next call. */
static const char *file_with(const char *text)
{
    static char path[40];
    static int fd = -1;
    if (fd >= 0)
        close(fd);
    fd = memfd_create("config", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

static void test_defaults_and_words(void **state)
{
    (void)state;
    struct settings settings;
    struct error error;
    int words;
    assert_int_equal(load("one --test-url x two", &settings, &words, &error), CONFIG_OK);
    assert_int_equal(words, 2);
    assert_string_equal(settings.url, "x");
    assert_null(settings.secret);
    assert_int_equal(settings.interval.ns, 20000000);
    assert_int_equal(settings.count, 7);
    assert_false(settings.flag);
    assert_int_equal(settings.choice, 1);
    config_free(&program, &settings);
    assert_null(settings.url);
}

static void test_command_line(void **state)
{
    (void)state;
    struct settings settings;
    struct error error;
    int words;
    assert_int_equal(
        load("--test-url=x --test-secret=s --test-many=1 --test-many 2 --test-interval=3s --test-count=100 --test-flag "
             "--test-choice=cc --test-argument=y",
             &settings, &words, &error),
        CONFIG_OK);
    assert_string_equal(settings.many, "1;2");
    assert_int_equal(settings.interval.ns, 3000000000);
    assert_int_equal(settings.count, 100);
    assert_true(settings.flag);
    assert_int_equal(settings.choice, 2);
    assert_string_equal(settings.argument, "y");
    config_free(&program, &settings);
    assert_int_equal(load("--test-url=x --test-url=y --test-flag --test-flag=no", &settings, &words, &error),
                     CONFIG_OK);
    assert_string_equal(settings.url, "y"); /* the last one is used */
    assert_false(settings.flag);
    config_free(&program, &settings);
}

static void test_who_wins(void **state)
{
    (void)state;
    struct settings settings;
    struct error error;
    char line[200];
    int words;
    setenv("POSTHORN_TEST_COUNT", "2", 1);
    setenv("POSTHORN_TEST_CHOICE", "a", 1);
    setenv("POSTHORN_TEST_MANY", "e", 1);
    setenv("POSTHORN_TEST_ARGUMENT", "not from here", 1);
    const char *path =
        file_with("# a comment\n\n test-url = from file \ntest-count=1\ntest-choice = b\r\ntest-interval = 5s");
    snprintf(line, sizeof line, "--config %s --test-choice cc --test-many a --test-many b", path);
    assert_int_equal(load(line, &settings, &words, &error), CONFIG_OK);
    assert_string_equal(settings.url, "from file");
    assert_int_equal(settings.interval.ns, 5000000000);
    assert_int_equal(settings.count, 2);
    assert_int_equal(settings.choice, 2);
    assert_string_equal(settings.many, "a;b");
    assert_null(settings.argument);
    config_free(&program, &settings);
}

static void test_secret_from_file(void **state)
{
    (void)state;
    struct settings settings;
    struct error error;
    int words;
    setenv("POSTHORN_TEST_SECRET_FILE", file_with("hush\n"), 1);
    assert_int_equal(load("--test-url x", &settings, &words, &error), CONFIG_OK);
    assert_string_equal(settings.secret, "hush");
    config_free(&program, &settings);
    setenv("POSTHORN_TEST_SECRET", "louder", 1);
    assert_int_equal(load("--test-url x", &settings, &words, &error), CONFIG_OK);
    assert_string_equal(settings.secret, "louder");
    config_free(&program, &settings);
    unsetenv("POSTHORN_TEST_SECRET");
    setenv("POSTHORN_TEST_SECRET_FILE", "/nowhere", 1);
    assert_int_equal(load("--test-url x", &settings, &words, &error), CONFIG_BAD);
    assert_non_null(strstr(error.text, "POSTHORN_TEST_SECRET_FILE"));
    assert_non_null(strstr(error.text, "/nowhere"));
    config_free(&program, &settings);
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"", "--test-url is missing: give it, or set POSTHORN_TEST_URL"},
        {"--test-url=", "--test-url is missing"},
        {"--test-url x --no-such-thing", "there is no option --no-such-thing"},
        {"--test-url x -q", "there is no option -q"},
        {"--test-url", "--test-url requires a value"},
        {"--test-url x --test-count", "--test-count requires a value"},
        {"--test-url x --test-count 0", "--test-count: '0' is not a whole number from 1 to 100"},
        {"--test-url x --test-count 101", "'101' is not a whole number from 1 to 100"},
        {"--test-url x --test-count 5x", "'5x' is not a whole number"},
        {"--test-url x --test-count=", "'' is not a whole number"},
        {"--test-url x --test-count 99999999999999999999", "is not a whole number"},
        {"--test-url x --test-interval 5", "--test-interval: '5' is not a duration"},
        {"--test-url x --test-interval 11s", "out of range"},
        {"--test-url x --test-interval 1us", "out of range"},
        {"--test-url x --test-choice c", "--test-choice: 'c' is not one of a|b|cc"},
        {"--test-url x --test-choice=", "'' is not one of"},
        {"--test-url x --test-flag=perhaps", "--test-flag: 'perhaps' is neither yes nor no"},
        {"--test-url x --config /nowhere", "cannot read /nowhere"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings settings;
        struct error error;
        int words;
        assert_int_equal(load(cases[i].line, &settings, &words, &error), CONFIG_BAD);
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].line, error.text, cases[i].says);
        config_free(&program, &settings);
    }
}

static void test_file_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *says;
    } cases[] = {
        {"test-url = x\nnonsense\n", ":2: 'nonsense' is not of the form name = value"},
        {"\n\nno-such = 1\n", ":3: there is no option 'no-such'"},
        {"test-argument = 1\n", ":1: there is no option 'test-argument'"},
        {"test-count = many\n", ":1: test-count: 'many' is not a whole number"},
        {"= 1\n", ":1: there is no option ''"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings settings;
        struct error error;
        char line[100];
        int words;
        snprintf(line, sizeof line, "--test-url x --config %s", file_with(cases[i].file));
        assert_int_equal(load(line, &settings, &words, &error), CONFIG_BAD);
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("\"%s\" instead of \"%s\"", error.text, cases[i].says);
        config_free(&program, &settings);
    }
}

static void test_environment_refused(void **state)
{
    (void)state;
    struct settings settings;
    struct error error;
    int words;
    setenv("POSTHORN_TEST_COUNT", "x", 1);
    assert_int_equal(load("--test-url x", &settings, &words, &error), CONFIG_BAD);
    assert_non_null(strstr(error.text, "POSTHORN_TEST_COUNT: 'x' is not"));
    config_free(&program, &settings);
}

/* Returns the output as one text; the caller frees it. */
static char *printed(const struct settings *settings, char what)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (what == 'c')
        config_print(&program, settings, out);
    else if (what == 'm')
        config_print_manual(&program, out);
    else
        config_print_help(&program, out);
    fclose(out);
    return text;
}

static void test_prints(void **state)
{
    (void)state;
    struct settings settings;
    struct error error;
    int words;
    assert_int_equal(load("--test-url x --test-secret hush --test-flag", &settings, &words, &error), CONFIG_OK);
    char *configuration = printed(&settings, 'c'), *help = printed(&settings, 'h'), *manual = printed(&settings, 'm');
    assert_string_equal(configuration,
                        "test-url = x\ntest-secret = (set)\ntest-many = \ntest-argument = \ntest-interval = 20ms\n"
                        "test-count = 7\ntest-flag = yes\ntest-choice = b\n");
    for (const struct setting *s = table; s->name != NULL; s++) {
        assert_non_null(strstr(help, s->name));
        assert_non_null(strstr(help, s->about));
        assert_non_null(strstr(manual, s->about));
    }
    assert_non_null(strstr(help, "POSTHORN_TEST_URL"));
    assert_null(strstr(help, "POSTHORN_TEST_ARGUMENT"));
    assert_non_null(strstr(help, "[20ms]"));
    assert_non_null(strstr(manual, "\n\\&.details")); /* no request to troff */
    assert_null(strstr(help, "hush"));
    free(configuration);
    free(help);
    free(manual);
    config_free(&program, &settings);
}

#define CLEAN(test) cmocka_unit_test_setup_teardown(test, clear_environment, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN(test_defaults_and_words),  CLEAN(test_command_line), CLEAN(test_who_wins),
        CLEAN(test_secret_from_file),    CLEAN(test_refuses),      CLEAN(test_file_refused),
        CLEAN(test_environment_refused), CLEAN(test_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
