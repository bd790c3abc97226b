-- ../../postgres/0026_comments: SQLite keeps no comments.

SELECT 1;
