"""Tools of MCP servers. Importing this imports no `mcp`: that is for whoever has servers."""
