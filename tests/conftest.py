"""What all tests share: properties do not depend on how fast the machine is, nor on luck.

`--hypothesis-profile=random` tries other examples at every run; the nightly target does.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "hubline", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("random", settings.get_profile("hubline"), derandomize=False)
settings.load_profile("hubline")
