#include "metric_table.h"

#define METRIC_ROW(index, name, labels, kind, help) {name, labels, kind, help},
const struct metric metric_table[METRIC_COUNT] = {METRICS(METRIC_ROW)};
