"""Serves watchers: follows each watched session once per node, and gives each watcher its place in it."""
