"""The web as tools see it: what may be asked, how it is asked, and what comes of it as text."""
