-- posthorn.move() for positions that stay where they are: functions only, which schema/code/ has.

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- a9d4ca37ba72c03fa9305268377e26f46982560c06a52dae551198e685f17c9c
