SELECT city, count(DISTINCT orders.order_id) AS order_count, sum(quantity * price) AS turnover
FROM orders JOIN items ON orders.order_id = items.order_id
GROUP BY city
ORDER BY turnover DESC
