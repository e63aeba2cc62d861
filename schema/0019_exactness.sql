-- Attributes of CloudEvents that Posthorn passes on (subject, dataschema, extensions, tracestate) are kept beside the payload, and dead letters keep the
-- timestamp of their record.

alter table posthorn.payload add column extensions bytea;         -- a JSON object, sealed as the body is; null: none
alter table posthorn.dead_letter add column record_timestamp bigint;  -- of the record, in milliseconds since 1970; null: not known

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- ae291c69257695d34f401414cb668284cdba425bf0ed281bb01c0f93be307034
