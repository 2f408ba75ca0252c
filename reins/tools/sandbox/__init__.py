"""Commands run where they can do little harm: no network, few files, bounded in all they use."""
