/* Lines in bounded memory, whatever the sizes of the reads. */
#include "producer/lines.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* The results for a whole input as a text: a line "a" is "1:a|", a piece "1+a|", its last piece "1.a|", the end "$".
 */
static void write_down(const char *path, size_t max, int wake_fd, char *out, size_t size)
{
    struct lines lines;
    struct text line;
    struct error error = {""};
    enum lines_result result;
    size_t used = 0;
    assert_true(lines_open(&lines, path, max, wake_fd, &error));
    do {
        result = lines_next(&lines, SPAN_S(60), &line, &error);
        assert_int_not_equal(result, LINES_FAILED);
        assert_int_not_equal(result, LINES_NOT_YET);
        if (result == LINES_END)
            break;
        used += (size_t)snprintf(out + used, size - used, "%d%c%.*s|", (int)lines.number,
                                 result == LINES_LINE    ? ':'
                                 : result == LINES_PIECE ? '+'
                                                         : '.',
                                 TEXT_ARGS(line));
    } while (used < size);
    snprintf(out + used, size - used, "$");
    lines_close(&lines);
}

static void assert_written(const char *input, size_t max, const char *expected)
{
    char path[40], out[400];
    int pipe_fds[2], fd = memfd_create("lines", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, input, strlen(input)), strlen(input));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* opened again, so read from its beginning */
    assert_int_equal(pipe(pipe_fds), 0);
    write_down(path, max, pipe_fds[0], out, sizeof out);
    close(fd);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    assert_string_equal(out, expected);
}

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        size_t max;
        const char *expected;
    } cases[] = {
        {"", 4, "$"},
        {"\n", 4, "1:|$"},
        {"a\nb\n", 4, "1:a|2:b|$"},
        {"a\nb", 4, "1:a|2:b|$"},
        {"a\n\n\nb\r\n", 4, "1:a|2:|3:|4:b\r|$"},
        {"abcd\nabcd", 4, "1:abcd|2:abcd|$"},
        {"abcde\nx", 4, "1+abcde|1.|2:x|$"},
        {"abcdefgh\nx\n", 4, "1+abcde|1.fgh|2:x|$"},
        {"ab\nabcdefghijkl\nx", 4, "1:ab|2+abcde|2+fghij|2.kl|3:x|$"},
        {"abcdefgh", 4, "1+abcde|1.fgh|$"},
        {"abcde", 4, "1+abcde|1.|$"},
        {"abc\nabc\nabc\nabc\n", 4, "1:abc|2:abc|3:abc|4:abc|$"},
        {"abc\nabc\nabc\n", 1000, "1:abc|2:abc|3:abc|$"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_written(cases[i].input, cases[i].max, cases[i].expected);
}

/* Standard input byte by byte, as a user types it, and waiting for it. */
static void test_standard_input(void **state)
{
    (void)state;
    int input[2], wake[2], before = dup(STDIN_FILENO);
    struct lines lines;
    struct text line;
    struct error error = {""};
    assert_int_equal(pipe(input), 0);
    assert_int_equal(pipe(wake), 0);
    dup2(input[0], STDIN_FILENO);
    assert_true(lines_open(&lines, "-", 100, wake[0], &error));
    assert_string_equal(lines.name, "standard input");
    assert_int_equal(lines_next(&lines, SPAN_MS(0), &line, &error), LINES_NOT_YET);
    for (const char *c = "{\"a\":1}"; *c != '\0'; c++) {
        assert_int_equal(write(input[1], c, 1), 1);
        assert_int_equal(lines_next(&lines, SPAN_MS(0), &line, &error), LINES_NOT_YET);
    }
    assert_int_equal(write(wake[1], "x", 1), 1);
    assert_int_equal(lines_next(&lines, SPAN_S(600), &line, &error), LINES_NOT_YET); /* woken, long before */
    assert_int_equal(write(input[1], "\n", 1), 1);
    assert_int_equal(lines_next(&lines, SPAN_S(60), &line, &error), LINES_LINE);
    assert_true(text_equal(line, TEXT("{\"a\":1}")));
    close(input[1]);
    assert_int_equal(lines_next(&lines, SPAN_S(60), &line, &error), LINES_END);
    lines_close(&lines);
    dup2(before, STDIN_FILENO);
    close(before);
    close(input[0]);
    close(wake[0]);
    close(wake[1]);
}

static void test_cannot_be_read(void **state)
{
    (void)state;
    struct lines lines;
    struct text line;
    struct error error = {""};
    assert_false(lines_open(&lines, "/nowhere/at/all", 10, 0, &error));
    assert_string_equal(error.text, "/nowhere/at/all: cannot be opened: No such file or directory");
    assert_true(lines_open(&lines, "/", 10, STDIN_FILENO, &error));
    assert_int_equal(lines_next(&lines, SPAN_S(60), &line, &error), LINES_FAILED);
    assert_string_equal(error.text, "/: cannot be read after line 0: Is a directory");
    lines_close(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
