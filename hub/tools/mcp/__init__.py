"""Tools of MCP servers, which run as tools of this one.

`connection` keeps one server connected and its tools in the tool set; `translation` is from MCP's words to ours and
back. The only room that imports the `mcp` package, which is an extra: import this one where a server is set, not above.
"""
