"""Orders cost what they should. One of these fails, until somebody mends the shop."""

import unittest

from shop.price import total, with_discount


class Prices(unittest.TestCase):
    def test_shipping_is_added_once(self) -> None:
        paid = 500
        assert total([250, 150], 100) == paid

    def test_a_discount_is_taken_off(self) -> None:
        reduced = 899
        assert with_discount(999, 10) == reduced


if __name__ == "__main__":
    unittest.main()
