"""The chassis: what every agent shares, and the sessions that run them."""
