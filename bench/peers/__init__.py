"""Floors and peers that do the same work: each a module with `run`, in a process of its own."""
