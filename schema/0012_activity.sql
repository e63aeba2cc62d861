-- A faster posthorn.count_activity_between(): functions only, which schema/code/ has.

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 86bebad47e619b6ac92a5ac69d1682a32a98c1aead9f72fc93d1e3ac66b6c4cb
