#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "help.h"
#include "migrations.h"

static const struct command *find(const char *noun, const char *verb, int *words, struct error *error)
{
    char *argv[] = {(char *)noun, (char *)verb};
    return help_find(verb == NULL ? 1 : 2, argv, words, error);
}

static void every_command_is_found_by_its_name(void **state)
{
    struct error error;
    int words;
    (void)state;
    for (const struct command *const *table = command_tables; *table != NULL; table++)
        for (const struct command *command = *table; command->noun != NULL; command++) {
            assert_ptr_equal(find(command->noun, command->verb, &words, &error), command);
            assert_int_equal(words, command->verb == NULL ? 1 : 2);
        }
    assert_null(find("nothing", NULL, &words, &error));
    assert_null(find("account", NULL, &words, &error));
    assert_null(find("account", "--help", &words, &error));
    assert_null(find("acount", "list", &words, &error));
    assert_non_null(strstr(error.text, "account"));
}

/* The tables have the properties on which config_load() relies. */
static void every_command_is_whole(void **state)
{
    struct setting settings[HELP_SETTINGS_MAX];
    (void)state;
    for (const struct command *const *table = command_tables; *table != NULL; table++)
        for (const struct command *command = *table; command->noun != NULL; command++) {
            size_t count = 0;
            assert_non_null(command->about);
            assert_non_null(command->run);
            assert_true(command->least_words <= command->most_words);
            assert_true((command->words == NULL) == (command->most_words == 0));
            assert_true(command->settings == NULL || command->settings_size > sizeof(struct globals));
            help_settings(command, settings);
            while (settings[count].name != NULL) {
                for (size_t i = 0; i < count; i++)
                    assert_string_not_equal(settings[i].name, settings[count].name);
                assert_true(settings[count].offset + sizeof(char *) <=
                            (command->settings_size != 0 ? command->settings_size : sizeof(struct globals)) +
                                sizeof(char *) - 1);
                count++;
            }
            for (const struct setting *own = command->settings; own != NULL && own->name != NULL; own++)
                assert_true((own->flags & SETTING_ARGUMENT) != 0);
        }
}

static void migrations_are_in_order(void **state)
{
    (void)state;
    for (int i = 0; migrations[i].name != NULL; i++) {
        char number[8];
        snprintf(number, sizeof number, "%04d_", i + 1);
        assert_memory_equal(migrations[i].name, number, 5);
        assert_int_equal(strlen(migrations[i].sha256), 64);
        assert_true(strlen(migrations[i].sql) > 100);
    }
}

static void code_stands_between_its_frame(void **state)
{
    (void)state;
    int last = 0;
    for (; code_files[last + 1].name != NULL; last++)
        if (last > 0)
            assert_memory_equal(code_files[last].name, "code/", 5);
    assert_true(last > 10);
    assert_string_equal(code_files[0].name, "before_code.sql");
    assert_string_equal(code_files[last].name, "after_code.sql");
    assert_int_equal(strlen(code_sha256), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_found_by_its_name),
        cmocka_unit_test(every_command_is_whole),
        cmocka_unit_test(migrations_are_in_order),
        cmocka_unit_test(code_stands_between_its_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
