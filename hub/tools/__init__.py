"""What a model may call: tools, their schemas, and the sets they come in.

`base` is the interface. A tool knows its arguments and its context, and nothing of runs or journals.
"""
