/* The console's pages: the files of one directory, read at the start and served from memory at /console/. What was not
 * there then is not served, whatever a path says. */
#pragma once
#include "request.h"

struct files;

/* At most 500 files, 16 MiB together; links are not followed. NULL and an error that names the file. */
struct files *files_new(const char *directory, struct error *error) MUST_USE;
void files_free(struct files **files);

bool files_get(struct request *request);  /* GET /console/… */
bool files_home(struct request *request); /* GET / and /console: to /console/ */
