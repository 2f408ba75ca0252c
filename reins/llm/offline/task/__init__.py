"""The offline model as a tool user: by rules, from the goal and what was seen, and nothing else."""
