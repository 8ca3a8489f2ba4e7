"""Files of sessions: taken in from clients and from tools, and given out again. What is kept has been checked: its type
is allowed and shows in its bytes, its name holds no path, and it is within limits. Parts of messages refer to it."""
