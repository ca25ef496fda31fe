-- What `history newest --commits` gives: at which commits each cell has a measured result on a class of machines, which is given. What
-- was interrupted is none, and what was changed since its commit is of no commit.
SELECT DISTINCT r.cell, t.suite, u.git_commit
FROM results r
JOIN machines m USING (machine)
JOIN tasks t USING (task)
JOIN runs u USING (run)
WHERE m.class = ? AND r.provenance = 'measured' AND r.inspects IS NULL AND r.failure IS DISTINCT FROM 'interrupted'
  AND u.git_commit IS NOT NULL AND NOT u.git_dirty
ORDER BY ALL;
