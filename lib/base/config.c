#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#define FILE_MAX (64 * 1024)

static void *field(const struct setting *setting, void *settings)
{
    return (char *)settings + setting->offset;
}

static bool is_name(const struct setting *setting, struct text name)
{
    return text_equal(text_of(setting->name), name);
}

static const struct setting *setting_find(const struct program *program, struct text name)
{
    for (const struct setting *o = program->settings; o->name != NULL; o++)
        if (is_name(o, name))
            return o;
    return NULL;
}

/* Writes POSTHORN_DATABASE_URL for database-url, with a suffix. */
static void environment_name(const struct setting *setting, const char *suffix, char out[static 80])
{
    size_t size = (size_t)snprintf(out, 80, "POSTHORN_%s%s", setting->name, suffix);
    for (size_t i = 0; i < size && i < 80; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

/* Returns the index of `value` in "a|b|c", or -1. */
static int choice_index(const char *choices, const char *value)
{
    int index = 0;
    for (const char *at = choices;; index++) {
        size_t size = strcspn(at, "|");
        if (strlen(value) == size && strncmp(at, value, size) == 0)
            return index;
        if (at[size] == '\0')
            return -1;
        at += size + 1;
    }
}

static bool set_text(const struct setting *setting, void *settings, const char *value, bool again, struct error *error)
{
    char **to = field(setting, settings), *text;
    if (again && (setting->flags & SETTING_MANY) != 0 && *to != NULL) {
        if (asprintf(&text, "%s;%s", *to, value) < 0)
            return error_set(error, "no memory");
    } else if ((text = strdup(value)) == NULL) {
        return error_set(error, "no memory");
    }
    free(*to);
    *to = text;
    return true;
}

static bool set_count(const struct setting *setting, void *settings, const char *value, struct error *error)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || number < setting->low || number > setting->high)
        return error_set(error, "'%s' is not a whole number from %lld to %lld", value, (long long)setting->low,
                         (long long)setting->high);
    *(int64_t *)field(setting, settings) = number;
    return true;
}

static bool set_span(const struct setting *setting, void *settings, const char *value, struct error *error)
{
    struct span span;
    if (!span_parse(text_of(value), &span, error))
        return false;
    if (span.ns < setting->low || span.ns > setting->high)
        return error_set(error, "'%s' is out of range: %lld ms to %lld ms are allowed", value,
                         (long long)(setting->low / 1000000), (long long)(setting->high / 1000000));
    *(struct span *)field(setting, settings) = span;
    return true;
}

static bool set_flag(const struct setting *setting, void *settings, const char *value, struct error *error)
{
    bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
        return error_set(error, "'%s' is neither yes nor no", value);
    *(bool *)field(setting, settings) = yes;
    return true;
}

static bool set_choice(const struct setting *setting, void *settings, const char *value, struct error *error)
{
    int index = choice_index(setting->value, value);
    if (index < 0)
        return error_set(error, "'%s' is not one of %s", value, setting->value);
    *(int *)field(setting, settings) = index;
    return true;
}

/* `origin` names the source of the value in messages: "--name", "POSTHORN_NAME", "file:3: name". */
static bool setting_set(const struct setting *setting, void *settings, const char *value, bool again,
                        const char *origin, struct error *error)
{
    bool ok = false;
    switch (setting->kind) {
    case SETTING_KIND_TEXT:
        ok = set_text(setting, settings, value, again, error);
        break;
    case SETTING_KIND_SPAN:
        ok = set_span(setting, settings, value, error);
        break;
    case SETTING_KIND_COUNT:
        ok = set_count(setting, settings, value, error);
        break;
    case SETTING_KIND_FLAG:
        ok = set_flag(setting, settings, value, error);
        break;
    case SETTING_KIND_CHOICE:
        ok = set_choice(setting, settings, value, error);
        break;
    }
    return ok || error_prefix(error, "%s", origin);
}

/* Reads a small file completely, NUL-terminated; the caller frees the result. */
static char *read_file(const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    char *text = malloc(FILE_MAX + 1);
    size_t size = 0;
    if (file == NULL || text == NULL) {
        error_set(error, "cannot read %s: %s", path, strerror(errno));
        goto bad;
    }
    size = fread(text, 1, FILE_MAX + 1, file);
    if (ferror(file) != 0 || size > FILE_MAX) {
        error_set(error, "cannot read %s: %s", path, size > FILE_MAX ? "longer than 64 KiB" : strerror(errno));
        goto bad;
    }
    text[size] = '\0';
    fclose(file);
    return text;
bad:
    if (file != NULL)
        fclose(file);
    free(text);
    return NULL;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    return text;
}

static bool set_from_line(const struct program *program, void *settings, char *line, const char *path, int number,
                          struct error *error)
{
    char origin[256];
    line = trim(line);
    if (*line == '\0' || *line == '#')
        return true;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return error_set(error, "%s:%d: '%.60s' is not of the form name = value", path, number, line);
    *equals = '\0';
    char *name = trim(line);
    const struct setting *setting = setting_find(program, text_of(name));
    if (setting == NULL || (setting->flags & SETTING_ARGUMENT) != 0)
        return error_set(error, "%s:%d: there is no option '%.60s'; --help lists all", path, number, name);
    snprintf(origin, sizeof origin, "%s:%d: %s", path, number, setting->name);
    return setting_set(setting, settings, trim(equals + 1), false, origin, error);
}

static bool load_file(const struct program *program, void *settings, const char *path, struct error *error)
{
    char *text = read_file(path, error), *rest = text, *line;
    bool ok = text != NULL;
    for (int number = 1; ok && (line = strsep(&rest, "\n")) != NULL; number++)
        ok = set_from_line(program, settings, line, path, number, error);
    free(text);
    return ok;
}

static bool load_environment(const struct program *program, void *settings, struct error *error)
{
    char name[80];
    for (const struct setting *o = program->settings; o->name != NULL; o++) {
        if ((o->flags & SETTING_ARGUMENT) != 0)
            continue;
        environment_name(o, "", name);
        const char *value = getenv(name);
        if (value != NULL && !setting_set(o, settings, value, false, name, error))
            return false;
        environment_name(o, "_FILE", name);
        const char *path = (o->flags & SETTING_SECRET) != 0 ? getenv(name) : NULL;
        if (value != NULL || path == NULL)
            continue;
        char *text = read_file(path, error);
        bool ok = text != NULL && setting_set(o, settings, trim(text), false, name, error);
        if (text != NULL)
            explicit_bzero(text, strlen(text));
        free(text);
        if (!ok)
            return error_prefix(error, "%s", name);
    }
    return true;
}

static bool load_defaults(const struct program *program, void *settings, struct error *error)
{
    for (const struct setting *o = program->settings; o->name != NULL; o++)
        if (o->standard != NULL && !setting_set(o, settings, o->standard, false, o->name, error))
            return false;
    return true;
}

static bool check_required(const struct program *program, void *settings, struct error *error)
{
    char name[80];
    for (const struct setting *o = program->settings; o->name != NULL; o++) {
        char **text = field(o, settings);
        if ((o->flags & SETTING_REQUIRED) != 0 && (*text == NULL || **text == '\0')) {
            if ((o->flags & SETTING_ARGUMENT) != 0)
                return error_set(error, "--%s %s is missing (%s)", o->name, o->value, o->about);
            environment_name(o, "", name);
            return error_set(error, "--%s is missing: give it, or set %s (%s)", o->name, name, o->about);
        }
    }
    return true;
}

/* What getopt_long() returns: a letter, FIRST + the setting's index in the table, or an option of every program. */
enum {
    FIRST = 256,
    WORDS = 1000,
    WORD_HELP = WORDS,
    WORD_VERSION,
    WORD_MANUAL,
    WORD_CHECK,
    WORD_CONFIG,
    SETTINGS_MAX = 96
};

/* Converts the table into getopt's form. */
static void make_getopt(const struct program *program, bool stop_at_word, struct option *longs, char *shorts)
{
    static const struct option common[] = {
        {"help", no_argument, NULL, WORD_HELP},           {"version", no_argument, NULL, WORD_VERSION},
        {"manual", no_argument, NULL, WORD_MANUAL},       {"check-config", no_argument, NULL, WORD_CHECK},
        {"config", required_argument, NULL, WORD_CONFIG}, {0}};
    size_t n = 0;
    if (stop_at_word)
        *shorts++ = '+';
    *shorts++ = ':';
    *shorts++ = 'h';
    for (const struct setting *o = program->settings; o->name != NULL && n < SETTINGS_MAX; o++, n++) {
        int argument = o->kind == SETTING_KIND_FLAG ? optional_argument : required_argument; /* --flag, --flag=no */
        longs[n] = (struct option){o->name, argument, NULL, FIRST + (int)n};
        if (o->letter != 0) {
            *shorts++ = o->letter;
            *shorts++ = ':';
        }
    }
    *shorts = '\0';
    memcpy(longs + n, common, sizeof common);
}

static const struct setting *setting_of_letter(const struct program *program, int letter)
{
    for (const struct setting *o = program->settings; o->name != NULL; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

/* Sets one setting from the command line; `given` marks those that were given before. */
static bool load_argument(const struct program *program, void *settings, int found, bool *given, struct error *error)
{
    char origin[80];
    const struct setting *setting =
        found >= FIRST ? &program->settings[found - FIRST] : setting_of_letter(program, found);
    size_t index = (size_t)(setting - program->settings);
    snprintf(origin, sizeof origin, "--%s", setting->name);
    bool again = given[index];
    given[index] = true;
    return setting_set(setting, settings, optarg != NULL ? optarg : "yes", again, origin, error);
}

struct arguments {
    const char *file; /* of --config */
    bool check, done; /* --check-config; --help and the like were handled */
};

/* Reads the command line twice: the first pass (settings NULL) handles --help and finds --config, the second sets
 * values. */
static bool read_arguments(const struct program *program, int argc, char **argv, bool stop_at_word, void *settings,
                           struct arguments *arguments, struct error *error)
{
    struct option longs[SETTINGS_MAX + 6];
    char shorts[2 * SETTINGS_MAX + 4];
    bool given[SETTINGS_MAX] = {false};
    int found;
    make_getopt(program, stop_at_word, longs, shorts);
    optind = 0; /* glibc: restart */
    opterr = 0;
    while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1 && !arguments->done) {
        if (found == ':')
            return error_set(error, "%s requires a value", argv[optind - 1]);
        if (found == '?')
            return error_set(error, "there is no option %s; %s --help lists all", argv[optind - 1], program->name);
        arguments->done = found == WORD_HELP || found == 'h' || found == WORD_VERSION || found == WORD_MANUAL;
        arguments->check |= found == WORD_CHECK;
        if (found == WORD_CONFIG)
            arguments->file = optarg;
        else if (found == WORD_VERSION)
            printf("%s %s\n", program->name, POSTHORN_VERSION);
        else if (found == WORD_MANUAL)
            config_print_manual(program, stdout);
        else if (arguments->done)
            config_print_help(program, stdout);
        else if (found < WORDS && settings != NULL && !load_argument(program, settings, found, given, error))
            return false;
    }
    return true;
}

enum config_result config_load(const struct program *program, int argc, char **argv, bool stop_at_word, void *settings,
                               int *first_word, struct error *error)
{
    struct arguments arguments = {0};
    if (!read_arguments(program, argc, argv, stop_at_word, NULL, &arguments, error))
        return CONFIG_BAD;
    if (arguments.done)
        return CONFIG_DONE;
    if (!load_defaults(program, settings, error) ||
        (arguments.file != NULL && !load_file(program, settings, arguments.file, error)) ||
        !load_environment(program, settings, error) ||
        !read_arguments(program, argc, argv, stop_at_word, settings, &arguments, error))
        return CONFIG_BAD;
    *first_word = optind;
    if (!check_required(program, settings, error) || (program->check != NULL && !program->check(settings, error)))
        return CONFIG_BAD;
    if (arguments.check)
        return config_print(program, settings, stdout), CONFIG_DONE;
    return CONFIG_OK;
}

void config_forget_environment(const struct program *program)
{
    char name[80], *value;
    for (const struct setting *o = program->settings; o->name != NULL; o++) {
        environment_name(o, "", name);
        if ((o->flags & SETTING_SECRET) != 0 && (value = getenv(name)) != NULL)
            explicit_bzero(value, strlen(value));
    }
}

void config_free(const struct program *program, void *settings)
{
    for (const struct setting *o = program->settings; o->name != NULL; o++)
        if (o->kind == SETTING_KIND_TEXT) {
            char **text = field(o, settings);
            if (*text != NULL && (o->flags & SETTING_SECRET) != 0)
                explicit_bzero(*text, strlen(*text));
            free(*text);
            *text = NULL;
        }
}

static void print_value(const struct setting *setting, const void *settings, FILE *out)
{
    const void *at = (const char *)settings + setting->offset;
    const char *text;
    switch (setting->kind) {
    case SETTING_KIND_TEXT:
        text = *(char *const *)at;
        fputs(text == NULL ? "" : (setting->flags & SETTING_SECRET) != 0 ? "(set)" : text, out);
        break;
    case SETTING_KIND_SPAN:
        fprintf(out, "%lldms", (long long)span_ms(*(const struct span *)at));
        break;
    case SETTING_KIND_COUNT:
        fprintf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case SETTING_KIND_FLAG:
        fputs(*(const bool *)at ? "yes" : "no", out);
        break;
    case SETTING_KIND_CHOICE:
        text = setting->value;
        for (int i = *(const int *)at; i > 0; i--)
            text += strcspn(text, "|") + 1;
        fprintf(out, "%.*s", (int)strcspn(text, "|"), text);
        break;
    }
}

void config_print(const struct program *program, const void *settings, FILE *out)
{
    for (const struct setting *o = program->settings; o->name != NULL; o++) {
        fprintf(out, "%s = ", o->name);
        print_value(o, settings, out);
        fputc('\n', out);
    }
}

static void print_option(const struct setting *o, FILE *out)
{
    char left[96], name[80];
    int size = snprintf(left, sizeof left, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                        o->letter ? "," : " ", o->name, o->kind == SETTING_KIND_FLAG ? "" : " ", o->value);
    fprintf(out, "%s%s%*s%s", left, size > 38 ? "\n" : "", size > 38 ? 40 : 40 - size, "", o->about);
    if (o->standard != NULL && *o->standard != '\0')
        fprintf(out, " [%s]", o->standard);
    if ((o->flags & SETTING_REQUIRED) != 0)
        fputs(" (required)", out);
    fputc('\n', out);
    if ((o->flags & SETTING_ARGUMENT) != 0)
        return;
    environment_name(o, "", name);
    fprintf(out, "%40s%s%s\n", "", name, (o->flags & SETTING_SECRET) != 0 ? ", or its file in …_FILE" : "");
}

void config_print_help(const struct program *program, FILE *out)
{
    fprintf(out, "%s: %s\n\nUsage: %s %s\n", program->name, program->about, program->name, program->usage);
    if (program->details != NULL)
        fprintf(out, "\n%s\n", program->details);
    fputs("\nOptions; each can also be set by an environment variable, or by a line `name = value` of the file given "
          "with --config:\n",
          out);
    for (const struct setting *o = program->settings; o->name != NULL; o++)
        print_option(o, out);
    fputs("      --config FILE                     read options from a file\n"
          "      --check-config                    check and print the configuration, then exit\n"
          "  -h, --help    --version    --manual   (troff, for man -l -)\n",
          out);
}

/* Troff interprets a leading '.' or '\'' as a request and '\\' as an escape. */
static void print_troff(const char *text, FILE *out)
{
    bool start = true;
    for (; *text != '\0'; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        start = *text == '\n';
    }
}

void config_print_manual_options(const struct setting *settings, FILE *out)
{
    char name[80];
    for (const struct setting *o = settings; o->name != NULL; o++) {
        environment_name(o, "", name);
        fprintf(out, ".TP\n\\fB\\-\\-%s\\fR %s\n", o->name, o->value);
        print_troff(o->about, out);
        if (o->standard != NULL && *o->standard != '\0')
            fprintf(out, " (default: %s)", o->standard);
        if ((o->flags & SETTING_ARGUMENT) == 0)
            fprintf(out, ". Environment: %s.", name);
        fputc('\n', out);
    }
}

void config_print_manual(const struct program *program, FILE *out)
{
    fprintf(out, ".TH %s 1 \"\" \"Posthorn %s\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n", program->name,
            POSTHORN_VERSION, program->name, program->about, program->name);
    print_troff(program->usage, out);
    if (program->details != NULL) {
        fputs("\n.SH DESCRIPTION\n.nf\n", out);
        print_troff(program->details, out);
        fputs("\n.fi", out);
    }
    fputs("\n.SH OPTIONS\n", out);
    config_print_manual_options(program->settings, out);
}
