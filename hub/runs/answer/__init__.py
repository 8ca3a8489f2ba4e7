"""Makes one answer: asks the provider step by step, runs the tools, writes the events."""
