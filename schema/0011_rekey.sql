-- A function for posthorn-admin rekey: functions only, which schema/code/ has.

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 4b7c807d98c125bca03dc3a7e7ae652540173e0aebced307923f9a69d6ff1875
