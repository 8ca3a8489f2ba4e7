"""Many nodes, one Redis (a single server, Sentinel or a Cluster): the backplane that nodes share.

`servers` keeps the connections, `subscriptions` what this node listens to; `journal`, `inbox`, `directory`, `bus` and
`claims` are the interfaces on top, and `scripts` holds what Redis itself does in one act. Key names are in `keys`.
"""

from hub.backplane.redis.backplane import MEANING as MEANING
from hub.backplane.redis.backplane import RedisBackplane as RedisBackplane
from hub.backplane.redis.options import RedisOptions as RedisOptions
