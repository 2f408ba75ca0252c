"""Reports on a session: its time, money, rates, retries and waits, from its log and its calls."""
