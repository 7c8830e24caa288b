SELECT c.name, c.city, COUNT(o.id) AS orders, SUM(o.amount) AS revenue
FROM customers c
LEFT JOIN orders o ON o.customer_id = c.id
WHERE o.created_at >= '2026-01-01'
  AND c.city IN (SELECT city FROM branches WHERE open = TRUE)
GROUP BY c.id
HAVING revenue > 1000
ORDER BY revenue DESC;
