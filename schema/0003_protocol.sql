-- Topics ever seen, and how many partitions they had then: the others were added later.
create table posthorn.topic (
    source     text not null,
    topic      text not null,
    partitions int not null,
    primary key (source, topic)
);

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- a64a001da54932cf7eb9e5d5ba4951ba0c2506e2f55a83e9ce9dfc2c4ae1dd0b
