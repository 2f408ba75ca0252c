"""Everything of Reins that has no fixed name at the top: settings, models, web, command line."""
