SELECT orders.order_id, city, sum(quantity * price) AS worth
FROM orders JOIN items ON orders.order_id = items.order_id
GROUP BY orders.order_id, city
ORDER BY worth DESC, orders.order_id
LIMIT 5
