"""Sessions that run a plan: branches side by side, each end on record as it comes."""
