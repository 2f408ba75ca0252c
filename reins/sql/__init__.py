"""Read-only SQL over the tables: DuckDB in a child process that can reach nothing else."""
