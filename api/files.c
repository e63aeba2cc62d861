#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/apikey.h"

#define FILES_MAX 500
#define BYTES_MAX (16u * 1024 * 1024)
#define TAG_SIZE 35 /* 32 digits, two quotes, a NUL */

struct file {
    char *name; /* relative to the directory: "assets/index-1a2b3c4d.js" */
    const char *type;
    struct buffer bytes;
    char tag[TAG_SIZE];
};

struct files {
    struct file list[FILES_MAX];
    size_t count, bytes;
};

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {".png", "image/png"},
                 {".ico", "image/x-icon"},
                 {".webp", "image/webp"},
                 {".woff2", "font/woff2"},
                 {".json", "application/json"},
                 {".webmanifest", "application/manifest+json"},
                 {".txt", "text/plain; charset=utf-8"},
                 {".map", "application/json"}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static bool read_all(const char *path, struct buffer *bytes, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = 1;
    while (fd >= 0 && got > 0) {
        char *room = buffer_reserve(bytes, 65536);
        got = room == NULL ? -1 : read(fd, room, 65536);
        bytes->size += got > 0 ? (size_t)got : 0;
    }
    bool ok = fd >= 0 && got == 0;
    if (!ok)
        error_set(error, "--console: %s: %s", path, bytes->failed ? "too large" : strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool add(struct files *files, const char *path, const char *name, struct error *error)
{
    unsigned char hash[APIKEY_HASH_SIZE];
    if (files->count == FILES_MAX)
        return error_set(error, "--console: more than %d files", FILES_MAX);
    struct file *file = &files->list[files->count++];
    buffer_init(&file->bytes, BYTES_MAX + 65536);
    file->type = type_of(name);
    if ((file->name = strdup(name)) == NULL)
        return error_set(error, "no memory");
    if (!read_all(path, &file->bytes, error))
        return false;
    files->bytes += file->bytes.size;
    if (files->bytes > BYTES_MAX)
        return error_set(error, "--console: %s: more than %u bytes together", path, BYTES_MAX);
    if (!apikey_hash(buffer_text(&file->bytes), hash))
        return error_set(error, "OpenSSL cannot hash");
    file->tag[0] = '"';
    text_to_hex(hash, 16, file->tag + 1);
    file->tag[33] = '"';
    return true;
}

static const struct file *find(const struct files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->list[i].name, name) == 0)
            return &files->list[i];
    return NULL;
}

static bool read_directory(struct files *files, const char *directory, struct error *error)
{
    char *roots[] = {(char *)(uintptr_t)directory, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    size_t skip = strlen(directory);
    bool ok = tree != NULL || error_set(error, "--console %s: %s", directory, strerror(errno));
    while (skip > 1 && directory[skip - 1] == '/')
        skip--;
    for (FTSENT *entry; ok && (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_F)
            ok = add(files, entry->fts_path, entry->fts_path + skip + strspn(entry->fts_path + skip, "/"), error);
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            ok = error_set(error, "--console: %s: %s", entry->fts_path, strerror(entry->fts_errno));
    }
    if (tree != NULL)
        fts_close(tree);
    return ok && (find(files, "index.html") != NULL ||
                  error_set(error,
                            "--console %s: there is no index.html; deploy/build-console builds the pages into "
                            "console/dist",
                            directory));
}

struct files *files_new(const char *directory, struct error *error)
{
    struct files *files = calloc(1, sizeof *files);
    if (files == NULL)
        error_set(error, "no memory");
    else if (!read_directory(files, directory, error))
        files_free(&files);
    return files;
}

void files_free(struct files **files)
{
    if (*files == NULL)
        return;
    for (size_t i = 0; i < (*files)->count; i++) {
        free((*files)->list[i].name);
        buffer_fini(&(*files)->list[i].bytes);
    }
    free(*files);
    *files = NULL;
}

/* Sets a policy: the page loads only from this origin, runs no inline script, and cannot be framed. */
static void be_strict(struct request *request)
{
    answer_header(request, "Content-Security-Policy",
                  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    answer_header(request, "Referrer-Policy", "no-referrer");
    answer_header(request, "Cross-Origin-Opener-Policy", "same-origin");
    answer_header(request, "Cross-Origin-Resource-Policy", "same-origin");
    answer_header(request, "Permissions-Policy",
                  "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=()");
}

bool files_get(struct request *request)
{
    const struct files *files = request->api->console;
    const char *name = request->params[0], *known = request_header(request, "If-None-Match");
    be_strict(request);
    if (files == NULL)
        return fail(request, PROBLEM_NOT_FOUND, "the console is not served here; posthorn-api --console DIR serves it");
    const struct file *file = find(files, name);
    if (file == NULL && strchr(name, '.') == NULL) /* a page that the console renders itself */
        file = find(files, "index.html");
    if (file == NULL)
        return fail(request, PROBLEM_NOT_FOUND, "the console has no such file");
    bool hashed = strncmp(file->name, "assets/", 7) == 0; /* their names contain a hash of their contents */
    answer_header(request, "ETag", "%s", file->tag);
    request->cache = hashed ? "public, max-age=31536000, immutable" : "no-cache";
    if (known != NULL && strcmp(known, file->tag) == 0) {
        request->status = 304;
        return true;
    }
    request->page = buffer_text(&file->bytes);
    request->content_type = file->type;
    request->status = 200;
    return true;
}

bool files_home(struct request *request)
{
    answer_header(request, "Location", "/console/");
    request->status = 302;
    return true;
}
