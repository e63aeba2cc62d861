-- BRIN indexes follow the newest rows closely (schema/code/partitions.sql).
insert into posthorn.chore (name, period) values ('summarize', '2 seconds');
