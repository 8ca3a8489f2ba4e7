"""Charts as images: what a model may ask for, and the program that draws it.

The picture is drawn in a process of its own, which a stop or the tool's time limit ends. `picture` imports nothing of
ours, so that this process starts fast and has nothing to give away.
"""
