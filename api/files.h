/* Files: the console's pages: the files of one directory, read at the start and served from memory below /console/.
 * Files added later are not served, whatever the path is. */
#pragma once
#include "request.h"

struct files;

/* At most 500 files, 16 MiB together; symbolic links are not followed. Returns NULL on an error that names the file. */
struct files *files_new(const char *directory, struct error *error) MUST_USE;
void files_free(struct files **files);

bool files_get(struct request *request);  /* GET /console/… */
bool files_home(struct request *request); /* GET / and /console: redirects to /console/ */
