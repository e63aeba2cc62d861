/* Record: a record of Kafka becomes a passage, with the event in it or the reason why it is none. */
#pragma once
#include "partition.h"

/* The passage holds the message until passage_forget_record(). One reference, which is the caller's. */
struct passage *record_read(struct dispatcher *d, struct partition *partition, rd_kafka_message_t *message);
