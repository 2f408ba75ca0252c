"""Reins as a server of the Model Context Protocol: one set of tools over stdio and over HTTP."""
