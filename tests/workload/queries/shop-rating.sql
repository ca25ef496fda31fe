SELECT extract(month FROM ordered_on) AS month_of_year, count(*) AS order_count, avg(rating) AS rating
FROM orders
GROUP BY extract(month FROM ordered_on)
