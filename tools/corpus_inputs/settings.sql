-- Read before work.sql, so that no ~/.sqliterc is looked for.
.mode list
.headers off
