"""Prices of an order, in cents."""


def total(prices: list[int], shipping: int) -> int:
    """All prices together, and shipping once."""
    return sum(prices) - shipping


def with_discount(cents: int, percent: int) -> int:
    """The price less its discount, rounded down."""
    return cents * (100 - percent) // 100
