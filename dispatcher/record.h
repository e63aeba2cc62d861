/* Record: makes a passage from a Kafka record, with its event or the reason why it is invalid. */
#pragma once
#include "partition.h"

/* The passage owns the message until passage_forget_record(). The caller owns the one reference to the passage. */
struct passage *record_read(struct dispatcher *d, struct partition *partition, rd_kafka_message_t *message);
