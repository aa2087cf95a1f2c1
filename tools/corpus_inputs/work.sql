-- Work for SQLite's shell on a database in a file: bulk inserts, indexes, joins, aggregates,
-- window functions, text search, updates, deletes, and a check of the file.
PRAGMA journal_mode = DELETE;
PRAGMA synchronous = OFF;
CREATE TABLE item(id INTEGER PRIMARY KEY, grp INTEGER, name TEXT, price REAL);
CREATE TABLE sale(id INTEGER PRIMARY KEY, item INTEGER, day INTEGER, count INTEGER);
BEGIN;
WITH RECURSIVE n(i, r) AS (
  SELECT 1, 42
  UNION ALL SELECT i + 1, (r * 1103515245 + 12345) % 2147483648 FROM n WHERE i < 60000)
INSERT INTO item
  SELECT i, r / 256 % 500, 'item ' || (r / 65536 % 1000) || ' ' || char(97 + r / 8192 % 26),
         (r % 100000) / 100.0
  FROM n;
WITH RECURSIVE n(i, r) AS (
  SELECT 1, 7
  UNION ALL SELECT i + 1, (r * 1103515245 + 12345) % 2147483648 FROM n WHERE i < 250000)
INSERT INTO sale SELECT i, r / 128 % 60000 + 1, r / 1024 % 365, r / 4096 % 20 FROM n;
COMMIT;
CREATE INDEX sale_item ON sale(item);
CREATE INDEX item_group ON item(grp, price);
SELECT count(*), sum(price), min(name), max(name) FROM item;
SELECT count(*), sum(count), sum(day) FROM sale;
SELECT grp, count(*), round(sum(price * count), 2) AS turnover
  FROM item JOIN sale ON sale.item = item.id GROUP BY grp ORDER BY turnover DESC LIMIT 10;
SELECT day / 30 AS month, count(DISTINCT item), max(count) FROM sale GROUP BY month ORDER BY month;
SELECT grp, name, price, rank FROM (
  SELECT grp, name, price, row_number() OVER (PARTITION BY grp ORDER BY price DESC, id) AS rank
  FROM item WHERE grp < 5) WHERE rank <= 3 ORDER BY grp, rank;
SELECT count(*) FROM item WHERE name LIKE '%7 _' AND price BETWEEN 100 AND 700;
SELECT a.grp, count(*) FROM item a WHERE a.price > (
  SELECT avg(b.price) FROM item b WHERE b.grp = a.grp) GROUP BY a.grp ORDER BY 2 DESC, 1 LIMIT 5;
BEGIN;
UPDATE item SET price = round(price * 1.1, 2), name = upper(name) WHERE grp % 3 = 0;
DELETE FROM sale WHERE day % 7 = 6;
UPDATE sale SET count = count + 1 WHERE item IN (SELECT id FROM item WHERE grp = 17);
COMMIT;
BEGIN;
DELETE FROM item;
ROLLBACK;
SELECT count(*), round(sum(price), 2) FROM item;
SELECT count(*), sum(count) FROM sale;
CREATE VIRTUAL TABLE words USING fts5(text);
INSERT INTO words SELECT name || ' in group ' || grp FROM item WHERE id % 4 = 0;
SELECT count(*) FROM words WHERE words MATCH 'group AND 17';
SELECT count(*) FROM words WHERE words MATCH '"in group 1" OR it*';
WITH RECURSIVE fib(i, a, b) AS (SELECT 1, 0, 1 UNION ALL SELECT i + 1, b, a + b FROM fib WHERE i < 60)
  SELECT i, a FROM fib WHERE i % 20 = 0;
SELECT json_group_array(json_object('g', grp, 'n', n)) FROM (
  SELECT grp, count(*) AS n FROM item GROUP BY grp ORDER BY n DESC, grp LIMIT 5);
SELECT printf('%.6f', sum(sqrt(price) * sin(id))) FROM item;
VACUUM;
PRAGMA integrity_check;
