"""Commands run where they can do little harm: their own root, no network, bounded in all they use."""
