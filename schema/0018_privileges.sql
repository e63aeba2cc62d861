-- No function depends on its caller's search_path: functions only, which schema/code/ has.

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- eb29db3415f7b83c8b08574a8bd33a3c7c71a97753c59d663479c964181f717b
