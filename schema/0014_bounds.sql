-- Bounds of what the webhooks of one account may take: functions only, which schema/code/ has.

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 0bfb6a9975b32477b999dc3f18fc2c57bee9583cc4a9e33f42bd82e25b297a4c
